// The instances of one service, however many.
import { html } from "../preact.js";
import { countdown, endpointOf, number, plural, stateOf } from "../format.js";
import { Rows } from "../rows.js";

const ROW = 44;

export function Instances({ app }) {
  const ids = app.catalogue.idsOf(app.service);
  const { all, serving } = app.catalogue.count(app.service);
  return html`
    <section class="instances" aria-labelledby="service-name">
      <header>
        <button class="back" onClick=${() => app.openService(null)}>All services</button>
        <h1 id="service-name">${app.service}</h1>
        ${app.isLoaded && html`<p>${plural(all, "instance")}, ${number(serving)} healthy</p>`}
      </header>
      ${all === 0
        ? html`<p class="empty">${app.isLoaded ? "No instance is left. DNS has no names of this service any more." : "Loading …"}</p>`
        : html`<${Rows} key=${app.service} keys=${ids} size=${ROW} label="Instances"
            selected=${app.instanceId} seen=${(shown) => app.see(shown)}
            row=${(id) => row(app, app.catalogue.instances.get(id))} />`}
    </section>`;
}

function row(app, instance) {
  const state = stateOf(instance);
  return html`
    <li key=${instance.id} style=${`height:${ROW}px`}>
      <button class="instance" aria-current=${app.instanceId === instance.id ? "true" : undefined}
        onClick=${() => app.openInstance(instance.id)}>
        <span class="id">${instance.id}</span>
        <span class="endpoint">${endpointOf(instance)}</span>
        <span class=${`state ${state}`}>${state}</span>
        <span class="lease">${lease(app, instance)}</span>
      </button>
    </li>`;
}

export function lease(app, instance) {
  const text = countdown(instance.expires_at, app.now());
  if (!instance.expires_at || !instance.ttl) return text;
  const left = Math.max(0, (Date.parse(instance.expires_at) - app.now()) / 1000);
  const part = Math.min(1, left / instance.ttl);
  return html`<span class="left">${text}</span>
    <progress class=${part < 0.34 ? "low" : ""} max="1" value=${part} aria-hidden="true"></progress>`;
}

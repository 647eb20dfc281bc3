// All services at a glance.
import { html } from "../preact.js";
import { number, plural } from "../format.js";
import { Rows } from "../rows.js";

const ROW = 52;

export function Services({ app }) {
  const names = app.shownNames();
  return html`
    <nav class="services" aria-label="Services">
      <label class="filter">
        <span class="unseen">Filter services</span>
        <input type="search" placeholder="Filter services" value=${app.filter}
          onInput=${(event) => app.set({ filter: event.target.value })} />
      </label>
      ${names.length === 0 && html`<p class="empty">${emptyText(app)}</p>`}
      <${Rows} keys=${names} size=${ROW} label="List of services"
        selected=${app.service} row=${(name) => row(app, name)} />
    </nav>`;
}

function emptyText(app) {
  if (!app.isLoaded) return "Loading …";
  return app.filter ? "No service of that name." : "No service is registered yet.";
}

function row(app, name) {
  const { all, serving } = app.catalogue.count(name);
  const verdict = serving === all ? "good" : serving ? "fair" : "bad";
  return html`
    <li key=${name} style=${`height:${ROW}px`}>
      <button class="service" aria-current=${app.service === name ? "true" : undefined}
        onClick=${() => app.openService(name)}>
        <span class="name">${name}</span>
        <span class=${`count ${verdict}`}>${number(serving)}/${number(all)}<span class="unseen"> of ${plural(all, "instance")} healthy</span></span>
        <meter class=${verdict} min="0" max=${all} value=${serving} aria-hidden="true"></meter>
      </button>
    </li>`;
}

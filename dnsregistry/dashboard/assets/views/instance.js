// One instance: where it is, its names, its checks, and what can be done with it.
import { html } from "../preact.js";
import { digLine, endpointOf, stateOf } from "../format.js";
import { lease } from "./instances.js";

export function Instance({ app }) {
  const instance = app.catalogue.instances.get(app.instanceId);
  if (!instance) {
    return html`<aside class="instance-detail" tabindex="0" aria-label="Instance">
      <${Close} app=${app} /><p class="empty"><b>${app.instanceId}</b> ${app.isLoaded ? "is gone." : "is looked for …"}</p></aside>`;
  }
  const state = stateOf(instance);
  return html`
    <aside class="instance-detail" tabindex="0" aria-label="Instance">
      <${Close} app=${app} />
      <h2>${instance.id}</h2>
      <p><span class=${`state ${state}`}>${state}</span> <code>${endpointOf(instance)}</code></p>
      <p class="lease">${lease(app, instance)}</p>
      ${app.notice && html`<p class="notice" role="alert">${app.notice}</p>`}
      <${Actions} app=${app} instance=${instance} />
      <h3>DNS names</h3>
      <ul class="names">${(instance.dns || []).map((name) => html`<${Named} app=${app} name=${name} />`)}</ul>
      <${Checks} told=${app.checks} />
      <${Facts} instance=${instance} />
    </aside>`;
}

function Close({ app }) {
  return html`<button class="close" onClick=${() => app.openInstance(null)} aria-label="Close">×</button>`;
}

function Actions({ app, instance }) {
  const drains = instance.status === "draining";
  return html`
    <div class="actions">
      <button onClick=${(event) => isSecond(event) || app.setStatus(instance.id, drains ? "healthy" : "draining")}>
        ${drains ? "Undrain" : "Drain"}</button>
      <button class="danger" onClick=${() => app.ask(`Deregister ${instance.id}?`,
        "It leaves DNS at once. A service that is alive registers again by itself.",
        "Deregister", () => app.deregister(instance.id))}>Deregister</button>
    </div>`;
}

// The second click of a double one meets a button that now undoes the first.
function isSecond(event) {
  return event.detail > 1;
}

function Named({ app, name }) {
  const line = digLine(name).replace("DNS_PORT", app.dnsPort);
  return html`<li>
    <code>${name}</code>
    <span>
      <button onClick=${() => app.copy(name)} aria-label=${`Copy ${name}`}>copy</button>
      <button onClick=${() => app.copy(line)} title=${line} aria-label=${`Copy the dig line for ${name}`}>dig</button>
      <button onClick=${() => app.explain(name, name.startsWith("_") ? "SRV" : "A")}
        aria-label=${`Explain ${name}`}>explain</button>
    </span>
  </li>`;
}

function Checks({ told }) {
  if (!told || !told.checks.length) return null;
  return html`
    <h3>Checks</h3>
    <ul class="checks">${told.checks.map((check) => html`<li>
      <b>${check.name || check.type}</b> <span class=${`state ${check.health || ""}`}>${check.health || "not yet"}</span>
      <span class="output">${check.last ? check.last.reason || check.last.output || "" : ""}</span></li>`)}</ul>
    ${told.history.length > 0 && html`
      <ol class="history" aria-label="Last turns, the oldest first">${told.history.map((turn) => html`
        <li class=${turn.health === "unhealthy" ? "bad" : "good"} title=${`${turn.time} ${turn.check || ""} ${turn.reason || ""}`}>
          <span class="unseen">${turn.health}</span></li>`)}</ol>`}`;
}

function Facts({ instance }) {
  const facts = [
    ["version", instance.version], ["protocol", instance.protocol],
    ["priority, weight", `${instance.priority}, ${instance.weight}`],
    ["tags", (instance.tags || []).join(", ")], ["capabilities", (instance.capabilities || []).join(", ")],
    ...Object.entries(instance.ports || {}).map(([name, port]) => [`port ${name}`, port]),
    ...Object.entries(instance.metadata || {}).map(([key, value]) => [key, text(value)]),
    ["registered", instance.registered_at], ["last heartbeat", instance.last_heartbeat],
    ["revision", instance.revision],
  ];
  return html`<h3>Facts</h3><dl>${facts.filter(([, value]) => value !== null && value !== "" && value !== undefined)
    .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function text(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

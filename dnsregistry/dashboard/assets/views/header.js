// What stands above everything: the state of the registry, explain, the token, the theme.
import { html } from "../preact.js";

const TYPES = ["A", "AAAA", "SRV", "PTR", "TXT", "CNAME", "NS", "SOA", "ANY"];
const CONNECTIONS = { live: "live", away: "connecting …", locked: "token needed", loading: "loading …" };

export function Header({ app }) {
  const { stats, ready } = app;
  return html`
    <header class="top">
      <a class="brand" href="/" onClick=${(event) => { event.preventDefault(); app.openService(null); }}>
        <img src="/dashboard/icon.svg" alt="" width="26" height="26" /> dnsregistry</a>
      <form class="ask" role="search" onSubmit=${(event) => submit(app, event)}>
        <label class="grow"><span class="unseen">Name to explain</span>
          <input id="explain-name" name="name" required autocomplete="off" spellcheck="false"
            placeholder="Explain a name  ( / )" /></label>
        <label><span class="unseen">Type</span>
          <select name="type">${TYPES.map((type) => html`<option>${type}</option>`)}</select></label>
        <button>Explain</button>
      </form>
      <div class="state-line">
        <span class="states" role="status">
        ${ready && html`<span class=${`ready ${ready.status}`}
          title=${(ready.reasons || []).join("; ")}>${ready.status}</span>`}
        <span class=${`link ${app.link}`}>${CONNECTIONS[app.link]}</span></span>
        ${stats && html`<span class="serial">revision ${app.revision}, serial ${stats.zone.serial}</span>`}
      </div>
      <button onClick=${() => app.set({ dialog: "token" })}>Token</button>
      <button onClick=${() => app.turnTheme()} aria-label=${`Theme: ${app.theme}`}>${{ auto: "◐", light: "☀", dark: "☾" }[app.theme]}</button>
      <button onClick=${() => app.set({ dialog: "keys" })} aria-label="Keys">?</button>
    </header>`;
}

function submit(app, event) {
  event.preventDefault();
  const form = new FormData(event.target);
  app.explain(form.get("name").trim(), form.get("type"));
}

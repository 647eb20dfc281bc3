// The page's state, what changes it, and the frame that shows it.
import { Refused, clock, get, listInstances, pathOf, request, secrets } from "./api.js";
import { Catalogue } from "./catalogue.js";
import { listen } from "./keys.js";
import { Leases } from "./leases.js";
import { Live } from "./live.js";
import { html, render } from "./preact.js";
import { Sampling } from "./sampling.js";
import { Dialogs } from "./views/dialogs.js";
import { Explain } from "./views/explain.js";
import { Header } from "./views/header.js";
import { Instance } from "./views/instance.js";
import { Instances } from "./views/instances.js";
import { Overview } from "./views/overview.js";
import { Services } from "./views/services.js";

const THEMES = ["auto", "light", "dark"];
const CHECKS_EVERY = 5000;
const CANDIDATES = 500;

class App {
  constructor() {
    Object.assign(this, {
      catalogue: new Catalogue(), filter: "", service: null, instanceId: null, explained: null, checks: null,
      stats: null, ready: null, samples: [], link: "loading", revision: 0, isLoaded: false, dialog: null,
      notice: "", said: "", theme: localStorage.getItem("dnsregistry-theme") || "auto",
    });
    this.live = new Live({
      list: () => this.load(), hear: (name, data) => this.hear(name, data), tell: (link) => this.tellLink(link),
    });
    this.leases = new Leases(this);
  }

  start() {
    this.showTheme();
    this.readPlace();
    addEventListener("hashchange", () => this.readPlace());
    listen(this);
    new Sampling(this).start();
    this.leases.start();
    setInterval(() => document.hidden || this.draw(), 1000);
    setInterval(() => document.hidden || this.loadChecks(), CHECKS_EVERY);
    this.live.run();
  }

  set(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  // Once a frame, however much has changed.
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      render(html`<${Page} app=${this} />`, document.getElementById("app"));
    });
  }

  now() {
    return Date.now() + clock.ahead;
  }

  async load() {
    const fresh = new Catalogue();
    let revision = null;
    for await (const page of listInstances()) {
      // What changes while the pages are read is told again from the first one's revision on.
      revision ??= page.revision;
      page.instances.forEach((instance) => fresh.put(instance));
      if (!this.isLoaded) this.set({ catalogue: fresh });
    }
    this.set({ catalogue: fresh, revision, isLoaded: true });
    return revision;
  }

  hear(name, { revision, instance }) {
    if (name === "removed" || name === "expired") this.catalogue.remove(instance.id);
    else this.catalogue.put(instance);
    if (instance.id === this.instanceId) this.loadChecks();
    this.set({ revision });
  }

  tellLink(link) {
    this.set(link === "locked" && !secrets.token && this.link !== "locked" ? { link, dialog: "token" } : { link });
  }

  reconnect() {
    this.live.restart();
  }

  shownNames() {
    const wanted = this.filter.trim().toLowerCase();
    const { names } = this.catalogue;
    return wanted ? names.filter((name) => name.includes(wanted)) : names;
  }

  see(ids) {
    this.leases.ids = ids;
  }

  openService(service) {
    location.hash = service === null ? "" : `#/${encodeURIComponent(service)}`;
  }

  openInstance(id) {
    const base = `#/${encodeURIComponent(this.service)}`;
    location.hash = id === null ? base : `${base}/${encodeURIComponent(id)}`;
  }

  readPlace() {
    const [service = null, id = null] = readHash();
    if (id !== this.instanceId) this.set({ checks: null, notice: "" });
    this.see([]);
    this.set({ service, instanceId: id, explained: null });
    this.loadChecks();
  }

  back() {
    if (this.explained) this.set({ explained: null });
    else if (this.instanceId) this.openInstance(null);
    else if (this.service) this.openService(null);
  }

  step(by) {
    const inside = this.instanceId !== null;
    const list = inside ? this.catalogue.idsOf(this.service) : this.shownNames();
    const at = list.indexOf(inside ? this.instanceId : this.service);
    const next = list[Math.max(0, Math.min(list.length - 1, at + by))];
    if (next !== undefined) inside ? this.openInstance(next) : this.openService(next);
  }

  async loadChecks() {
    const id = this.instanceId;
    if (id === null) return;
    const checks = await get(`${pathOf(id)}/checks`).catch(() => null);
    if (id === this.instanceId) this.set({ checks });
  }

  async explain(name, type) {
    const question = { name, type };
    this.set({ explained: { question } });
    try {
      const answer = await get(`/v1/dns/explain?${new URLSearchParams({ ...question, limit: CANDIDATES })}`);
      if (this.explained?.question === question) this.set({ explained: { question, answer } });
    } catch (error) {
      if (this.explained?.question === question) this.set({ explained: { question, error: error.message } });
    }
  }

  setStatus(id, status) {
    return this.act(async () => {
      this.catalogue.put(await request("PUT", `${pathOf(id)}/status`, { status }));
    });
  }

  deregister(id) {
    return this.act(() => request("DELETE", pathOf(id)));
  }

  ask(title, text, yes, act) {
    this.set({ dialog: { title, text, yes, act } });
  }

  async act(write) {
    try {
      await write();
      this.set({ notice: "" });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const hint = [401, 403].includes(error.status) ? " Give a token that may do this (t)." : "";
      this.set({ notice: `Refused: ${error.message}.${hint}`.replace("..", ".") });
    }
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.set({ said: `Copied: ${text}` });
    } catch {
      this.set({ said: text });
    }
    clearTimeout(this.saidTimer);
    this.saidTimer = setTimeout(() => this.set({ said: "" }), 4000);
  }

  turnTheme() {
    const theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
    localStorage.setItem("dnsregistry-theme", theme);
    this.set({ theme });
    this.showTheme();
  }

  showTheme() {
    document.documentElement.dataset.theme = this.theme;
    dispatchEvent(new Event("theme"));
  }

  get dnsPort() {
    return this.stats?.dns?.port ?? 53;
  }
}

// What cannot be read names no place.
function readHash() {
  try {
    return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return [];
  }
}

function Page({ app }) {
  const inside = app.service !== null;
  return html`
    <${Header} app=${app} />
    <div class=${`body ${inside ? "inside" : ""} ${app.instanceId ? "deep" : ""} ${app.explained ? "told" : ""}`}>
      <${Services} app=${app} />
      <main>
        ${app.explained && html`<${Explain} app=${app} />`}
        ${!app.explained && (inside ? html`<${Instances} app=${app} />` : html`<${Overview} app=${app} />`)}
      </main>
      ${app.instanceId && html`<${Instance} app=${app} />`}
    </div>
    <p class="said" role="status">${app.said}</p>
    <${Dialogs} app=${app} />`;
}

new App().start();

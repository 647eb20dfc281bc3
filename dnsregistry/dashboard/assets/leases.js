// Keeps the leases in sight fresh: a heartbeat is no event.
import { get, pathOf } from "./api.js";

const EVERY = 2000;
const AT_ONCE = 30;

export class Leases {
  constructor(app) {
    this.app = app;
    this.ids = [];
  }

  start() {
    setInterval(() => document.hidden || this.look(), EVERY);
  }

  async look() {
    const ids = new Set([this.app.instanceId, ...this.ids]);
    const due = [...ids].filter((id) => this.isDue(id)).slice(0, AT_ONCE);
    const found = await Promise.all(due.map((id) => get(pathOf(id)).catch(() => null)));
    const { catalogue } = this.app;
    for (const instance of found) {
      // What is gone is told by an event, and stays gone.
      if (instance && catalogue.instances.has(instance.id)) catalogue.put(instance);
    }
    if (found.length) this.app.draw();
  }

  isDue(id) {
    const instance = this.app.catalogue.instances.get(id);
    if (!instance?.expires_at || !instance.ttl) return false;
    return (Date.parse(instance.expires_at) - this.app.now()) / 1000 < instance.ttl * 0.8;
  }
}

// The instances, by service, with counts that are kept and never recounted.
import { stateOf } from "./format.js";

const SERVING = ["healthy", "degraded"];

export class Catalogue {
  constructor() {
    this.clear();
  }

  clear() {
    this.instances = new Map();
    this.services = new Map();
    this.names = [];
  }

  // Takes one in, unless what is known is newer: a list may be older than an event that overtook it.
  put(instance) {
    const known = this.instances.get(instance.id);
    if (known && known.revision > instance.revision) return;
    if (known) {
      this.services.get(known.service).states[stateOf(known)] -= 1;
      if (known.service !== instance.service) this._leave(known);
    }
    this.instances.set(instance.id, instance);
    const service = this._service(instance.service);
    if (!known || known.service !== instance.service) insert(service.ids, instance.id);
    const state = stateOf(instance);
    service.states[state] = (service.states[state] || 0) + 1;
  }

  remove(id) {
    const known = this.instances.get(id);
    if (!known) return;
    this.instances.delete(id);
    this.services.get(known.service).states[stateOf(known)] -= 1;
    this._leave(known);
  }

  idsOf(name) {
    return this.services.get(name)?.ids ?? [];
  }

  count(name) {
    const service = this.services.get(name);
    if (!service) return { all: 0, serving: 0 };
    const serving = SERVING.reduce((sum, state) => sum + (service.states[state] || 0), 0);
    return { all: service.ids.length, serving };
  }

  _service(name) {
    let service = this.services.get(name);
    if (!service) {
      service = { states: {}, ids: [] };
      this.services.set(name, service);
      insert(this.names, name);
    }
    return service;
  }

  _leave(instance) {
    const service = this.services.get(instance.service);
    cut(service.ids, instance.id);
    if (!service.ids.length) {
      this.services.delete(instance.service);
      cut(this.names, instance.service);
    }
  }
}

function place(sorted, text) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(sorted, text) {
  sorted.splice(place(sorted, text), 0, text);
}

function cut(sorted, text) {
  const at = place(sorted, text);
  if (sorted[at] === text) sorted.splice(at, 1);
}

// Looks at the program's numbers now and then, while the page is in sight.
import { get, getText } from "./api.js";
import { meanBetween, readLatency } from "./metrics.js";

const EVERY = 2000;
const MOST_SAMPLES = 300;

export class Sampling {
  constructor(app) {
    this.app = app;
    this.before = null;
  }

  start() {
    this.look();
    setInterval(() => document.hidden || this.look(), EVERY);
  }

  async look() {
    if (this.looking) return;
    this.looking = true;
    try {
      const [stats, ready, metrics] = await Promise.all([
        get("/v1/stats"), get("/ready").catch((error) => ({ status: "starting", reasons: [error.message] })),
        getText("/metrics").catch(() => ""),
      ]);
      this.app.set({ stats, ready, samples: this.sample(stats, readLatency(metrics)) });
    } catch {
      this.before = null;
    } finally {
      this.looking = false;
    }
  }

  sample(stats, latency) {
    const now = performance.now();
    const queries = Object.values(stats.dns.queries).reduce((sum, count) => sum + count, 0);
    const { before } = this;
    this.before = { now, queries, latency };
    // A restart counts from zero again.
    if (!before || queries < before.queries) return this.app.samples;
    const made = {
      at: Date.now() / 1000,
      queries: (queries - before.queries) / ((now - before.now) / 1000),
      latency: meanBetween(before.latency, latency),
    };
    return [...this.app.samples, made].slice(-MOST_SAMPLES);
  }
}

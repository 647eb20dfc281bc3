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
        get("/v1/stats").catch(() => null), get("/ready").catch(unready), getText("/metrics").catch(() => ""),
      ]);
      // Whether it is ready is told to everyone, its numbers are not.
      this.app.set({ ready });
      if (stats) this.app.set({ stats, samples: this.sample(stats, readLatency(metrics)) });
      else this.before = null;
    } finally {
      this.looking = false;
    }
  }

  sample(stats, latency) {
    // The registry's own time: a computer that sleeps does not see its clock go on.
    const now = stats.uptime;
    const queries = Object.values(stats.dns.queries).reduce((sum, count) => sum + count, 0);
    const { before } = this;
    this.before = { now, queries, latency };
    // A restart counts from zero again.
    if (!before || now <= before.now || queries < before.queries) return this.app.samples;
    const made = {
      at: Date.now() / 1000,
      queries: (queries - before.queries) / (now - before.now),
      latency: meanBetween(before.latency, latency),
    };
    return [...this.app.samples, made].slice(-MOST_SAMPLES);
  }
}

// Nobody who does not answer is said to be ready, or not to be.
function unready(error) {
  return error.status ? { status: "starting", reasons: [error.message] } : null;
}

// Server-Sent Events over fetch, which, unlike EventSource, can carry a token.
import { Refused, headers } from "./api.js";

const FIRST_PAUSE = 500;
const MOST_PAUSE = 15000;
// Longer than the server's comments are apart: a stream without any is dead.
const SILENCE = 45000;

export class Live {
  // `list` brings all instances and returns their revision; `hear` takes an event's name and data.
  constructor({ list, hear, tell }) {
    this._list = list;
    this._hear = hear;
    this._tell = tell;
    this._abort = null;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this._abort?.abort();
      else this._wake?.();
    });
  }

  async run() {
    let pause = FIRST_PAUSE;
    let since = null;
    for (;;) {
      if (this._isStale) since = null;
      this._isStale = false;
      try {
        since ??= await this._list();
        await this._untilSeen();
        if (this._isStale) continue;
        for await (const event of this._read(since)) {
          pause = FIRST_PAUSE;
          if (event.name === "open") {
            this._tell("live");
          } else if (event.name === "reset") {
            since = null;
            break;
          } else {
            since = Number(event.id || since);
            this._hear(event.name, JSON.parse(event.data));
          }
        }
        if (since === null) continue;
        this._tell("away");
      } catch (error) {
        if (this._isStale) {
          pause = FIRST_PAUSE;
          continue;
        }
        const refused = error instanceof Refused && error.status >= 400 && error.status < 500;
        if (refused) since = null;
        this._tell(refused && error.status === 401 ? "locked" : "away");
      }
      await this._wait(pause * (0.5 + Math.random()));
      pause = Math.min(MOST_PAUSE, pause * 2);
    }
  }

  // At once, with the token that there is now.
  restart() {
    this._isStale = true;
    this._abort?.abort();
    this._wake?.();
  }

  // A tab out of sight keeps no connection: a browser has six to a host, for all its tabs.
  async _untilSeen() {
    while (document.hidden) await new Promise((wake) => { this._wake = wake; });
  }

  _wait(milliseconds) {
    return new Promise((wake) => {
      this._wake = wake;
      setTimeout(wake, milliseconds);
    });
  }

  async *_read(since) {
    const abort = new AbortController();
    this._abort = abort;
    try {
      const response = await fetch(`/v1/watch?since=${since}`, {
        headers: headers({ Accept: "text/event-stream" }), signal: abort.signal, cache: "no-store",
      });
      if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
      yield { name: "open" };
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const guard = setTimeout(() => abort.abort(), SILENCE);
        const { value, done } = await reader.read().finally(() => clearTimeout(guard));
        if (done) return;
        rest += value.replaceAll("\r", "");
        const blocks = rest.split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) {
          const event = read(block);
          if (event.name) yield event;
        }
      }
    } finally {
      // Whoever leaves in the middle leaves no connection open.
      abort.abort();
    }
  }
}

function read(block) {
  const event = { name: "", data: "", id: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data += (event.data ? "\n" : "") + value;
  }
  return event;
}

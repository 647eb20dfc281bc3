// Requests to the registry that this page came from.

const TOKEN = "dnsregistry-token";
const OWNER = "dnsregistry-owner-secret";

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `answered ${status}`);
    this.status = status;
    this.type = problem.type || "";
  }
}

// How far the registry's clock is ahead of this one, in milliseconds, as its answers tell.
export const clock = { ahead: 0 };

export const secrets = {
  get token() { return sessionStorage.getItem(TOKEN) || ""; },
  get owner() { return sessionStorage.getItem(OWNER) || ""; },
  set(token, owner) {
    for (const [key, value] of [[TOKEN, token], [OWNER, owner]]) {
      if (value) sessionStorage.setItem(key, value);
      else sessionStorage.removeItem(key);
    }
  },
};

export function headers(extra = {}) {
  const made = { ...extra };
  if (secrets.token) made.Authorization = `Bearer ${secrets.token}`;
  if (secrets.owner) made["X-Registry-Owner"] = secrets.owner;
  return made;
}

export async function request(method, path, body) {
  const options = { method, headers: headers({ Accept: "application/json" }), cache: "no-store" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(0, { detail: "the registry cannot be reached" });
  }
  const ahead = Date.parse(response.headers.get("Date")) - Date.now();
  // That header knows whole seconds only.
  clock.ahead = Math.abs(ahead) > 2000 ? ahead : 0;
  const text = await response.text();
  const told = parse(text);
  if (!response.ok) throw new Refused(response.status, told || {});
  return told;
}

export const get = (path) => request("GET", path);

export async function getText(path) {
  const response = await fetch(path, { headers: headers(), cache: "no-store" });
  if (!response.ok) throw new Refused(response.status, {});
  return response.text();
}

export async function* listInstances() {
  let cursor = null;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page = await get(`/v1/instances?limit=1000${more}`);
    yield page;
    cursor = page.next_cursor;
  } while (cursor);
}

export const pathOf = (id) => `/v1/instances/${encodeURIComponent(id)}`;

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

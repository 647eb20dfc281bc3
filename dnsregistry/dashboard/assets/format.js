// Values to short texts.

export function countdown(expiresAt, now) {
  if (!expiresAt) return "no end";
  const seconds = (Date.parse(expiresAt) - now) / 1000;
  return seconds > 0 ? `${duration(seconds)} left` : "ended";
}

export function duration(seconds) {
  if (seconds < 1) return "under 1 s";
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export function number(value) {
  return Number(value).toLocaleString("en");
}

export function rate(value) {
  return value >= 10 ? number(Math.round(value)) : value.toFixed(1);
}

export function plural(count, word) {
  return `${number(count)} ${word}${count === 1 ? "" : "s"}`;
}

// What an instance is in: its owner's word first, then what its checks say.
export function stateOf(instance) {
  return instance.status === "healthy" ? instance.health : instance.status;
}

export function endpointOf(instance) {
  const address = Array.isArray(instance.address) ? instance.address[0] : instance.address;
  const more = Array.isArray(instance.address) ? instance.address.length - 1 : 0;
  const host = address.includes(":") ? `[${address}]` : address;
  return `${host}:${instance.port}${more ? ` +${more}` : ""}`;
}

export function digLine(name) {
  const type = name.startsWith("_") ? "SRV " : "";
  const where = location.hostname.replace(/^\[|\]$/g, "");
  return `dig @${where} -p DNS_PORT ${type}${name}`;
}

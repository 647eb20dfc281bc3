// The mean latency of DNS between two looks at /metrics: from the sum and the count of a histogram.
const SUM = /^dnsregistry_dns_answer_seconds_sum(?:\{[^}]*\})? (\S+)/gm;
const COUNT = /^dnsregistry_dns_answer_seconds_count(?:\{[^}]*\})? (\S+)/gm;

export function readLatency(text) {
  return { sum: add(text, SUM), count: add(text, COUNT) };
}

// Microseconds; null where nothing was measured in between.
export function meanBetween(before, after) {
  const count = after.count - before.count;
  return count > 0 ? ((after.sum - before.sum) / count) * 1e6 : null;
}

function add(text, pattern) {
  let total = 0;
  for (const match of text.matchAll(pattern)) total += Number(match[1]);
  return total;
}

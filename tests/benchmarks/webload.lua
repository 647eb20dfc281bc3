-- What wrk sends, and what it tells at the end: one line of JSON on standard output.
-- The first argument is `heartbeats`, `registrations` or `changes`, the second the number of instances.
-- Registrations are of services of their own; changes are of those that are there.
local kind, count, services, made, prefix, first = nil, 0, 0, 0, "", 0

function init(arguments)
  kind, count = arguments[1], tonumber(arguments[2])
  services = math.max(1, math.floor(count / 10))
  -- Each round, and each time around in it, has the instances at another port.
  first = os.time()
  prefix = kind == "registrations" and "new-" or ""
end

function request()
  -- A stride that meets every instance, services in turn.
  local number = (made * 379) % count
  made = made + 1
  local id = string.format("%si-%07d", prefix, number)
  if kind == "heartbeats" then
    return wrk.format("POST", "/v1/instances/" .. id .. "/heartbeat")
  end
  local address = string.format("10.%d.%d.%d", math.floor(number / 65536) % 256,
    math.floor(number / 256) % 256, number % 256)
  local body = string.format(
    '{"service": "%ssvc-%06d", "address": "%s", "port": %d, "ttl": 3600}',
    prefix, number % services, address, 8080 + (first + math.floor(made / count)) % 1000)
  return wrk.format("PUT", "/v1/instances/" .. id, {["Content-Type"] = "application/json"}, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "refused": %d, "failed": %d, "p50": %.1f, "p99": %.1f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end

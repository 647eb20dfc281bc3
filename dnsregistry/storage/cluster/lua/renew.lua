-- Heartbeats. Nothing goes into the log.
-- ARGV: epoch, then keys. Returns {'ok', now, last revision, places of keys without a live lease}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
local keys = {}
for at = 2, #ARGV do
  keys[at - 1] = ARGV[at]
end
local ttls = redis.call('HMGET', TTLS, unpack(keys))
local deadlines = redis.call('ZMSCORE', DUE, unpack(keys))
local told, moved = {'ok', now, (read_last())}, {}
for at = 1, #keys do
  local ttl = tonumber(ttls[at] or -1)
  if ttl > 0 then
    if tonumber(deadlines[at] or 0) > now or resumed + ttl > now then
      moved[#moved + 1] = text(now + ttl)
      moved[#moved + 1] = keys[at]
    else
      ttl = -1
    end
  end
  if ttl < 0 then
    told[#told + 1] = at - 1
  end
end
if #moved > 0 then
  redis.call('ZADD', DUE, unpack(moved))
end
return told

-- All that a node had to bring back is back.
-- ARGV: epoch, node, lineage, revision. Returns {'ok', now} or {'epoch'}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
local merged = tonumber(redis.call('HGET', META, 'm:' .. ARGV[3]) or 0)
if tonumber(ARGV[4]) > merged then
  redis.call('HSET', META, 'm:' .. ARGV[3], ARGV[4])
end
if redis.call('GET', LOCK) == ARGV[2] then
  redis.call('DEL', LOCK)
end
return {'ok', now}

-- What every node does a few times a second: say that it is there, end leases that are due, and
-- compare its last change with the log's.
-- ARGV: epoch, node, its revision, the nonce of that, a nonce for what ends here, the most to end,
-- how many ms a node lives without a word.
-- Returns {verdict, now, last revision, nodes that live, key that is due next, its deadline}: 'same', 'trimmed' (the log no longer holds what
-- comes next), 'apart' (the log holds something else there, or ends before), or {'epoch'}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
local revision, nonce, most = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[6])
local verdict = 'same'
local entry = redis.call('XRANGE', LOG, '0-' .. ARGV[3], '0-' .. ARGV[3])[1]
if entry then
  for at = 1, #entry[2], 2 do
    if entry[2][at] == 'n' and entry[2][at + 1] ~= nonce then
      verdict = 'apart'
    end
  end
else
  local oldest = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
  local first = oldest and tonumber(string.sub(oldest[1], 3)) or 1
  if revision > read_last() then
    verdict = 'apart'
  elseif revision + 1 < first then
    verdict = find_lost(revision) and 'apart' or 'trimmed'
  elseif revision >= first then
    verdict = 'apart'
  elseif oldest then
    for at = 1, #oldest[2], 2 do
      if oldest[2][at] == 'p' and oldest[2][at + 1] ~= nonce then
        verdict = 'apart'
      end
    end
  end
end
if most > 0 then
  check_server()
end
local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', text(now), 'LIMIT', 0, most)
for _, key in ipairs(due) do
  local ttl = tonumber(redis.call('HGET', TTLS, key) or 0)
  if now < resumed + ttl then
    redis.call('ZADD', DUE, text(resumed + ttl), key)
  else
    finish(key, 'expired', ARGV[5])
  end
end
redis.call('ZREMRANGEBYRANK', GONE, 0, -MOST_GONE - 1)
redis.call('ZADD', NODES, text(now), ARGV[2])
redis.call('ZREMRANGEBYSCORE', NODES, '-inf', text(now - tonumber(ARGV[7])))
local living = redis.call('ZRANGE', NODES, 0, -1)
local next = redis.call('ZRANGE', DUE, 0, 0, 'WITHSCORES')
return {verdict, now, (read_last()), living, next[1], tonumber(next[2])}

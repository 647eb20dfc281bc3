-- Bring back instances that a replica holds and the store may have lost.
-- ARGV: epoch, node, nonce, lineage of the replica or '-', the last revision that it has in common
-- with this epoch, then of each: key, label, ttl, status, its revision there, the revision above
-- which a removal counts, sequence, since, body.
-- Returns {'ok', now, how many were filed} or {'epoch'}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
if redis.call('GET', LOCK) == ARGV[2] then
  redis.call('PEXPIRE', LOCK, 10000)
end
local nonce, lineage, common, filed = ARGV[3], ARGV[4], tonumber(ARGV[5]), 0
for at = 6, #ARGV, 9 do
  local key, label, ttl, status = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local revision, floor = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local held = read(key)
  local older = false
  if held then
    local from, was = string.match(held.was, '^(.*):(%d+)$')
    if from == lineage then
      older = tonumber(was) < revision
    elseif lineage == ARGV[1] then
      older = tonumber(held.revision) <= common and tonumber(held.revision) < revision
    end
    if not older and redis.call('HGET', TTLS, key) ~= '0' then
      -- Whoever holds the later word has heard from it too: it may have a whole ttl.
      local length = tonumber(redis.call('HGET', TTLS, key))
      redis.call('ZADD', DUE, 'GT', text(now + length), key)
    end
  end
  local removed = tonumber(redis.call('ZSCORE', GONE, key) or 0) > floor
  if older or not held and not removed and not find_clash(key, label) then
    file(key, ttl, {
      sequence = ARGV[at + 6], since = ARGV[at + 7], label = label,
      status = status, nonce = nonce, created = '0', body = ARGV[at + 8],
      was = lineage == '-' and '-' or lineage .. ':' .. ARGV[at + 4],
    }, deadline_after(ttl))
    filed = filed + 1
  end
end
return {'ok', now, filed}

-- Register instances, all or none.
-- ARGV: epoch, nonce of the request, what is expected of each, then of each: key, label, ttl, state,
-- seals, body.
-- Returns {'ok', now, (revision, created) of each}, {'clash', place, other key}, {'owned', place},
-- {'epoch'}, or what `find_difference` does.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
local nonce = ARGV[2]
for at = 4, #ARGV, 6 do
  local other = find_clash(ARGV[at], ARGV[at + 1])
  if other then
    return {'clash', (at - 4) / 6, other}
  end
  local difference = find_difference(ARGV[3], ARGV[at], nonce)
  if difference then
    return difference
  end
  local held = read(ARGV[at])
  if held and held.nonce ~= nonce and is_live(ARGV[at]) and not opens(held, ARGV[at + 4]) then
    return {'owned', (at - 4) / 6}
  end
end
local told = {'ok', now}
for at = 4, #ARGV, 6 do
  local key, label, ttl = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local status, body = ARGV[at + 3], ARGV[at + 5]
  local held = read(key)
  if held and not is_live(key) then
    finish(key, 'expired', nonce)
    held = nil
  end
  if held and held.nonce ~= nonce then
    status = settle(held.status, status)
  end
  local revision, created
  if held and held.body == body and (held.status == status or held.nonce == nonce) then
    -- A renewal; or this very request, sent again because its answer was lost.
    revision, created = held.revision, held.nonce == nonce and held.created or '0'
    if ttl > 0 then
      redis.call('ZADD', DUE, text(now + ttl), key)
    end
  else
    created = held and '0' or '1'
    revision = file(key, ttl, {
      sequence = held and held.sequence or '0',
      since = held and held.since or text(now),
      label = label, status = status, nonce = nonce, created = created, was = '-', body = body,
    }, deadline_after(ttl))
  end
  told[#told + 1] = tonumber(revision)
  told[#told + 1] = tonumber(created)
end
return told

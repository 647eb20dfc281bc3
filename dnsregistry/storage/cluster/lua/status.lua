-- Give an instance another status or health; its deadline stays.
-- ARGV: epoch, nonce, key, `status` or `health`, the word, what is expected, seals.
-- Returns {'ok', now, revision}, {'unknown'}, {'owned'}, {'epoch'} or what `find_difference` does.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
local nonce, key = ARGV[2], ARGV[3]
local live, ttl = is_live(key)
if not live then
  return {'unknown'}
end
local held = read(key)
if not opens(held, ARGV[7]) then
  return {'owned'}
end
local difference = find_difference(ARGV[6], key, nonce)
if difference then
  return difference
end
local status, health, probed, owner = split(held.status)
if ARGV[4] == 'status' then
  status = ARGV[5]
else
  health = ARGV[5]
end
local state = status .. '.' .. health .. '.' .. probed .. '.' .. owner
if held.status == state then
  return {'ok', now, tonumber(held.revision)}
end
held.status, held.nonce, held.created, held.was = state, nonce, '0', '-'
return {'ok', now, tonumber(file(key, ttl, held, nil))}

-- End what a replica knows to have ended and the store still holds.
-- ARGV: epoch, node, nonce, then of each: key, the revision at which it was seen here.
-- Returns {'ok', now, how many ended} or {'epoch'}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
if redis.call('GET', LOCK) == ARGV[2] then
  redis.call('PEXPIRE', LOCK, 10000)
end
local ended = 0
for at = 4, #ARGV, 2 do
  local held = read(ARGV[at])
  if held and held.revision == ARGV[at + 1] then
    finish(ARGV[at], 'removed', ARGV[3])
    ended = ended + 1
  end
end
return {'ok', now, ended}

-- When leases end, as far as is known now.
-- ARGV: epoch, then keys. Returns {'ok', now, deadlines as text or false}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
local keys = {}
for at = 2, #ARGV do
  keys[at - 1] = ARGV[at]
end
return {'ok', now, redis.call('ZMSCORE', DUE, unpack(keys))}

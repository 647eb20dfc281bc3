-- A node comes, or comes back: where does it stand? An empty store begins a new epoch.
-- ARGV: node, its lineage or '', its revision, the last revision up to which its changes are in
-- this log as it finds (-1: as `merged` says), an epoch to begin, a base, a nonce.
-- Returns {'ok', now, epoch, base, last revision, its nonce, merged, locked} where `merged` is the
-- revision up to which changes of the lineage are here and `locked` whether the node is to bring
-- back what came after; or {'wait'} while another one does.
local node, lineage, revision, common = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local epoch = redis.call('HGET', META, 'epoch')
local is_lost = not epoch and revision > 0
local holder = redis.call('GET', LOCK)
if holder and holder ~= node then
  return {'wait'}
end
if not epoch then
  epoch = ARGV[5]
  if is_lost then
    lift(revision, ARGV[7])
  end
  redis.call('HSET', META, 'epoch', epoch, 'base', ARGV[6])
end
read_clock()
check_server()
if is_lost then
  resume()
end
local lost = lineage == epoch and common >= 0 and find_lost(revision)
if lost and lost < common then
  common = lost
end
local merged = tonumber(redis.call('HGET', META, 'm:' .. lineage) or 0)
if common > merged then
  merged = common
end
local locked = 0
if lineage ~= '' and revision > merged and (lineage ~= epoch or common >= 0) then
  locked = 1
  redis.call('SET', LOCK, node, 'PX', 10000)
  if lineage == epoch then
    -- Whoever else has followed what was lost must know by its revision that it has.
    lift(math.max(revision, (read_last())), ARGV[7])
    note_lost(common, (read_last()))
  elseif read_last() <= revision then
    lift(revision, ARGV[7])
  end
end
local newest, newest_nonce = read_last()
return {'ok', now, epoch, redis.call('HGET', META, 'base'), newest, newest_nonce, merged, locked}

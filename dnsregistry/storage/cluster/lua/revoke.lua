-- End a live lease on purpose.
-- ARGV: epoch, nonce, key, what is expected, seals.
-- Returns {'ok', now, revision}, {'unknown'}, {'owned'}, {'epoch'} or what `find_difference` does.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
if not is_live(ARGV[3]) then
  return {'unknown'}
end
if not opens(read(ARGV[3]), ARGV[5]) then
  return {'owned'}
end
local difference = find_difference(ARGV[4], ARGV[3], ARGV[2])
if difference then
  return difference
end
return {'ok', now, tonumber(finish(ARGV[3], 'removed', ARGV[2]))}

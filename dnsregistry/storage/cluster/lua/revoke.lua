-- End a live lease on purpose.
-- ARGV: epoch, nonce, key. Returns {'ok', now, revision}, {'unknown'} or {'epoch'}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
if not is_live(ARGV[3]) then
  return {'unknown'}
end
return {'ok', now, tonumber(finish(ARGV[3], 'removed', ARGV[2]))}

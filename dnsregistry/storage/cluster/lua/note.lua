-- Move the revision, and with it the SOA serial, for a change that is not the registry's.
-- ARGV: epoch, nonce. Returns {'ok', now, revision} or {'epoch'}.
if not is_epoch(ARGV[1]) then
  return {'epoch'}
end
read_clock()
return {'ok', now, tonumber(append(ARGV[2], 'k', 'note'))}

-- Stands before every script. Keys, all under one hash tag:
--   meta   hash: epoch, base (of the SOA serial), clock, skew, resumed, server, lost, m:<lineage>
--   log    stream of changes; the id 0-<revision> is the revision, dense but where it was lifted
--   held   hash: key -> "revision head\nbody"; a key is an id in lower case
--   ttls   hash: key -> length of the lease in ms, 0 without end; has the same keys as held
--   due    sorted set: key -> deadline in ms on the clock below, of leases that end
--   hosts  hash: host label that is a digest -> key
--   gone   sorted set: key -> revision of its removal on purpose
--   nodes  sorted set: node -> when it was last here
--   lock   who brings back what was lost
-- The head of a value: sequence since label state nonce created was. The state: status.health.probed.owner.
local META, LOG, HELD, TTLS, DUE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local HOSTS, GONE, NODES, LOCK = KEYS[6], KEYS[7], KEYS[8], KEYS[9]

-- Changes kept: two minutes at a thousand a second. Who is further behind reads everything anew.
local KEPT = 131072
-- Removals kept, so that no node that was cut off brings one back.
local MOST_GONE = 100000
-- Milliseconds without any call, of which every node makes three a second, that are an outage.
local LULL = 1000
-- Milliseconds in which all nodes find a store that is back, or notice that another server is the
-- master now: a third of a second for the one, for the other up to 1.4 until they ask their
-- Sentinel, and 2 until that one has heard of it.
local GRACE = 3500
-- What the revision is lifted by where changes may have been lost: no replica is further ahead.
local LIFT = 1048576

local function text(number)
  return string.format('%.0f', number)
end

-- The clock of the leases: the engine's, but never running backwards (another engine may take
-- over), in ms. After an outage each lease has a whole ttl from `resumed` on, which is ahead.
local now, resumed
local function resume()
  resumed = now + GRACE
  redis.call('HSET', META, 'resumed', text(resumed))
end

local function read_clock()
  local time = redis.call('TIME')
  local real = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local told = redis.call('HMGET', META, 'clock', 'skew', 'resumed')
  local last, skew = tonumber(told[1]), tonumber(told[2] or 0)
  now, resumed = real + skew, tonumber(told[3] or 0)
  if last and now < last then
    redis.call('HSET', META, 'skew', text(last - real))
    now = last
  end
  if last and now - last > LULL then
    resume()
  end
  if not last or now - last >= 50 then
    redis.call('HSET', META, 'clock', text(now))
  end
end

-- Another server, or this one from its disk, may lack heartbeats that were acknowledged, and not
-- have been away for long enough to be an outage. To be called before leases end by its deadlines.
local function check_server()
  local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local last = redis.call('HGET', META, 'server')
  if last ~= server then
    redis.call('HSET', META, 'server', server)
    if last then
      resume()
    end
  end
end

local function is_epoch(epoch)
  return redis.call('HGET', META, 'epoch') == epoch
end

-- The revision and the nonce of the log's last change.
local last, last_nonce
local function read_last()
  if not last then
    last, last_nonce = 0, '-'
    local newest = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
    if newest then
      last = tonumber(string.sub(newest[1], 3))
      for at = 1, #newest[2], 2 do
        if newest[2][at] == 'n' then
          last_nonce = newest[2][at + 1]
        end
      end
    end
  end
  return last, last_nonce
end

-- Each change tells the nonce of the one before it: a node that holds another one there has
-- followed a log that was lost.
local function add(id, nonce, ...)
  local _, prior = read_last()
  local told = redis.call('XADD', LOG, 'MAXLEN', '~', KEPT, id, 'n', nonce, 'p', prior, ...)
  last, last_nonce = tonumber(string.sub(told, 3)), nonce
  return text(last)
end

local function append(nonce, ...)
  return add('0-*', nonce, ...)
end

local function lift(from, nonce)
  add('0-' .. text(from + LIFT), nonce, 'k', 'note')
end

-- Revisions that were lost with a tail of the log: those above `common` and below `to`, told in
-- meta as "common-to common-to". Returns the `common` of the first gap that a revision lies in.
local MOST_LOST = 1000
local function find_lost(revision)
  local lost = redis.call('HGET', META, 'lost') or ''
  for common, to in string.gmatch(lost, ' (%d+)%-(%d+)') do
    if revision > tonumber(common) and revision < tonumber(to) then
      return tonumber(common)
    end
  end
  return nil
end

local function note_lost(common, to)
  local lost = (redis.call('HGET', META, 'lost') or '') .. ' ' .. text(common) .. '-' .. text(to)
  redis.call('HSET', META, 'lost', string.sub(lost, -MOST_LOST))
end

-- The parts of a held value, or nil.
local function read(key)
  local value = redis.call('HGET', HELD, key)
  if not value then
    return nil
  end
  local held = {}
  held.revision, held.sequence, held.since, held.label, held.status, held.nonce, held.created,
    held.was, held.body =
    string.match(value, '^(%d+) (%d+) (%d+) (%S+) (%S+) (%S+) (%d) (%S+)\n(.*)$')
  return held
end

-- The four words of a state: status, health, what is checked where, and the seal of its owner.
local function split(state)
  return string.match(state, '^(%w+)%.(%w+)%.([%w-]+)%.([%w-]+)$')
end

-- Whether a value may be changed by whoever shows these seals, with spaces around each, or '*'.
local function opens(held, seals)
  local _, _, _, owner = split(held.status)
  return owner == '-' or seals == '*' or string.find(seals, ' ' .. owner .. ' ', 1, true) ~= nil
end

-- What is held after a registration: maintenance stays, and so do a verdict on the same and, where
-- no other is given, the owner.
local function settle(held, given)
  local status, health, probed, owner = split(given)
  local held_status, held_health, held_probed, held_owner = split(held)
  if held_status == 'maintenance' then
    status = held_status
  end
  if probed ~= '-' and probed == held_probed then
    health = held_health
  end
  if owner == '-' then
    owner = held_owner
  end
  return status .. '.' .. health .. '.' .. probed .. '.' .. owner
end

-- Whether a lease is at its end, given its length.
local function has_ended(key, ttl)
  if ttl == 0 then
    return false
  end
  local deadline = tonumber(redis.call('ZSCORE', DUE, key) or 0)
  return deadline <= now and resumed + ttl <= now
end

local function is_live(key)
  local ttl = redis.call('HGET', TTLS, key)
  return ttl and not has_ended(key, tonumber(ttl)), tonumber(ttl or 0)
end

-- File a value; the log comes first, since a script that fails is not rolled back.
-- A sequence of 0 is the revision itself; without a deadline it stays as it is, and -1 is told.
local function file(key, ttl, held, deadline)
  local tail = held.since .. ' ' .. held.label .. ' ' .. held.status .. ' ' .. held.nonce .. ' '
    .. held.created .. ' ' .. held.was .. '\n' .. held.body
  local revision = append(held.nonce, 'k', 'put', 'i', key, 'd', text(deadline or -1),
    'v', held.sequence .. ' ' .. tail)
  local sequence = held.sequence == '0' and revision or held.sequence
  redis.call('HSET', HELD, key, revision .. ' ' .. sequence .. ' ' .. tail)
  redis.call('HSET', TTLS, key, text(ttl))
  if ttl == 0 then
    redis.call('ZREM', DUE, key)
  elseif deadline then
    redis.call('ZADD', DUE, text(deadline), key)
  end
  if held.label ~= '-' then
    redis.call('HSET', HOSTS, held.label, key)
  end
  redis.call('ZREM', GONE, key)
  return revision
end

local function finish(key, kind, nonce)
  local held = read(key)
  local revision = append(nonce, 'k', kind, 'i', key)
  redis.call('HDEL', HELD, key)
  redis.call('HDEL', TTLS, key)
  redis.call('ZREM', DUE, key)
  if held and held.label ~= '-' then
    redis.call('HDEL', HOSTS, held.label)
  end
  if kind == 'removed' then
    redis.call('ZADD', GONE, revision, key)
  end
  return revision
end

-- Whether an instance is in another revision than a change expects. What is expected: '' nothing,
-- '+' that it is held, '-' that it is not, else revisions, with commas around each.
-- Returns {'differs', now, its revision or 0} or nil.
local function find_difference(expected, key, nonce)
  if expected == '' then
    return nil
  end
  local held = is_live(key) and read(key)
  if held and held.nonce == nonce then
    -- This very request, sent again because its answer was lost.
    return nil
  end
  local is_met
  if not held or expected == '-' then
    is_met = not held and expected == '-'
  else
    is_met = expected == '+' or string.find(expected, ',' .. held.revision .. ',', 1, true)
  end
  if is_met then
    return nil
  end
  return {'differs', now, held and tonumber(held.revision) or 0}
end

local function deadline_after(ttl)
  return ttl > 0 and now + ttl or 0
end

-- The key of another instance that has the host label, or nil. A label of '-' is the key itself.
local function find_clash(key, label)
  if label == '-' then
    local other = redis.call('HGET', HOSTS, key)
    return other and other ~= key and other or nil
  end
  local other = redis.call('HGET', HOSTS, label)
  if other and other ~= key then
    return other
  end
  return redis.call('HEXISTS', HELD, label) == 1 and label or nil
end

-- Saves a live candle. The forming candle only ever moves forward; the one before it is kept as
-- pending until its official version stands for it. The feed that leads a market outranks everybody
-- else, who counts as a browser.
--
-- KEYS  1  live_candle  STRING  JSON of the forming candle
--       2  pending_z    ZSET    score = open time in ms, member = JSON of a candle that closed
--       3  own_candle   STRING  our feed's own candle, while a browser's stands in for it
--       4  fence        STRING  the newest fencing number of the feeds of this market
--       5  missing_z    ZSET    what is proven missing: score = first open time, member = its end
-- ARGV  1  the candle's JSON, laid out as `LiveCandle.to_json` does
--       2  exchange time now, in ms
--       3  how long a candle of our own feed counts as fresh, in ms
--       4  how far ahead of now a stored open time may lie before it counts as junk, in ms
--       5  how many pending candles are kept
--       6  how long a candle lives that opens when this one does, in s
--       7  how long one lives whose interval has ended, in s
--       8  fencing number of the feed that saves; 0 = none
-- Returns {1, "forming" or "pending"} where it was saved, else {0, reason}: "fenced", "missing",
--         "older", "stale", "outranked" or "contradicts".
-- Errors  WRONGTYPE, MALFORMED: nothing was written.
--
-- Running twice with the same arguments changes nothing the second time.

local live_key, pending_key, own_key, fence_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local missing_key = KEYS[5]
local now_ms, fresh_ms, ahead_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept, ttl_s, ended_ttl_s, fence = tonumber(ARGV[5]), ARGV[6], ARGV[7], tonumber(ARGV[8])

for key, expected in pairs({[live_key] = 'string', [pending_key] = 'zset',
                            [own_key] = 'string', [fence_key] = 'string',
                            [missing_key] = 'zset'}) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= expected then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is not a ' .. expected)
  end
end

-- Texts ------------------------------------------------------------------------------------------

local NUMBER, VOLUME, ID, WORD = '([%d.]+)', '([%d.nul]+)', '(%-?%d+)', '(%l+)'
local SHAPE = '^{"time":(%d+),"open":' .. NUMBER .. ',"high":' .. NUMBER .. ',"low":' .. NUMBER
  .. ',"close":' .. NUMBER .. ',"volume":' .. NUMBER .. ',"quote_volume":' .. VOLUME
  .. ',"taker_volume":' .. VOLUME .. ',"taker_quote_volume":' .. VOLUME .. ',"trades":(%d+)'
  .. ',"first_id":' .. ID .. ',"last_id":' .. ID .. ',"source":' .. '"(%l+)"'
  .. ',"is_complete":' .. WORD .. ',"exact":' .. WORD .. ',"updated_at":(%d+)}$'

-- What counts of a decimal text before and after the point; nil if it is none.
local function digits(text)
  return string.match(text, '^0*(%d*)%.?(%d-)0*$')
end

-- Digit by digit: no double holds 38 of them.
local function is_less(one, other)
  local whole, part = digits(one)
  local other_whole, other_part = digits(other)
  if #whole ~= #other_whole then return #whole < #other_whole end
  if whole ~= other_whole then return whole < other_whole end
  return part < other_part
end

local function is_equal(one, other)
  return not is_less(one, other) and not is_less(other, one)
end

-- The JSON as our own writer lays it out; nil for anything else, which then counts as absent.
local function parse(json)
  local found = {string.match(json or '', SHAPE)}
  if not found[1] then return nil end
  local unknown = 0
  for i = 2, 9 do
    if i > 6 and found[i] == 'null' then
      unknown = unknown + 1
    elseif not digits(found[i]) then
      return nil
    end
  end
  return {json = json, score = found[1], time = tonumber(found[1]),
          open = found[2], high = found[3], low = found[4], volume = found[6],
          unknown = unknown,
          trades = tonumber(found[10]), last_id = tonumber(found[12]),
          is_live = found[13] == 'live', is_complete = found[14] == 'true',
          is_exact = found[15] == 'true', updated_at = tonumber(found[16])}
end

-- Its interval has ended; whether it holds all trades of it, nobody has proven.
local function completed(candle)
  if candle.is_complete then return candle end
  return parse((string.gsub(candle.json, '"is_complete":false,"exact":%l+',
    '"is_complete":true,"exact":false')))
end

-- The word of somebody who does not lead, in a market that a feed leads or has led.
local function as_client(candle)
  local json = string.gsub(candle.json, '_volume":[%d.]+', '_volume":null')
  json = string.gsub(json, '_id":%d+', '_id":-1')
  json = string.gsub(json, '"source":"live"', '"source":"client"')
  return parse((string.gsub(json, '"exact":true', '"exact":false')))
end

-- Ranks ------------------------------------------------------------------------------------------

-- Holds all trades of an interval that has ended: nothing can be added to it.
local function is_proven(candle)
  return candle.is_live and candle.is_complete and candle.is_exact
end

-- A browser's does not touch it. While the leader speaks, all that our feed said is fresh.
local function is_fresh(candle)
  return candle.is_live
    and (fence > 0 or is_proven(candle) or now_ms - candle.updated_at < fresh_ms)
end

-- Whether a browser's candle can have come from our feed's by later trades. Without any trade ours
-- says nothing that could be contradicted.
local function contains(candle, own)
  return own.trades == 0 or (is_equal(candle.open, own.open)
    and not is_less(candle.high, own.high) and not is_less(own.low, candle.low)
    and not is_less(candle.volume, own.volume))
end

-- How sure two candles are that say the same: in doubt, exact so far, ended.
local function certainty(candle)
  return candle.is_complete and 2 or candle.is_exact and 1 or 0
end

-- Who knows more. Whether it has ended counts last, unless that is proven: it must not matter
-- whether a candle was completed before or after it was compared. Of one that still forms the
-- leader may say again what it said before, and that it has come to doubt it.
local function is_later(candle, than)
  if is_proven(candle) ~= is_proven(than) then return is_proven(candle) end
  if candle.updated_at ~= than.updated_at then return candle.updated_at > than.updated_at end
  if candle.is_live ~= than.is_live then return candle.is_live end
  if candle.last_id ~= than.last_id then return candle.last_id > than.last_id end
  if candle.trades ~= than.trades then return candle.trades > than.trades end
  if candle.unknown ~= than.unknown then return candle.unknown < than.unknown end
  local closed, than_closed = completed(candle).json, completed(than).json
  if closed ~= than_closed then return closed > than_closed end
  if fence > 0 and not candle.is_complete and not than.is_complete then return true end
  return certainty(candle) >= certainty(than)
end

-- Whether `candle` may take the place of `stored` at the same open time; if not, why. Our feed wins
-- while it is fresh or was contradicted, else whoever knows more. At any one moment the candles of
-- our feed are in a total order: the same ones end the same way, in whatever order they come.
local function is_better(candle, stored)
  if is_fresh(candle) ~= is_fresh(stored) then
    return is_fresh(candle), candle.is_live and 'stale' or 'outranked'
  end
  if candle.is_live and not stored.is_live and not contains(stored, candle) then return true end
  if stored.is_live and not candle.is_live and not contains(candle, stored) then
    return false, 'contradicts'
  end
  return is_later(candle, stored), 'stale'
end

-- Keys -------------------------------------------------------------------------------------------

-- Whether the exchange has proven that it has no candle there. The gaps are apart.
local function is_missing(candle)
  local ends = redis.call('ZREVRANGEBYSCORE', missing_key, candle.score, '-inf', 'LIMIT', 0, 1)
  return ends[1] ~= nil and candle.time < tonumber(ends[1])
end

local function pending_at(score)
  local best
  for _, json in ipairs(redis.call('ZRANGEBYSCORE', pending_key, score, score)) do
    local found = parse(json)
    if found and found.score == score and (not best or is_better(found, best)) then best = found end
  end
  return best
end

-- What our feed had said before a browser's candle took the place.
local function own_beneath(stored)
  local own = not stored.is_live and parse(redis.call('GET', own_key)) or nil
  return own and own.time == stored.time and own or nil
end

local function keep_pending(candle)
  redis.call('ZREMRANGEBYSCORE', pending_key, candle.score, candle.score)
  redis.call('ZADD', pending_key, candle.score, candle.json)
  redis.call('ZREMRANGEBYRANK', pending_key, 0, -kept - 1)
  redis.call('EXPIRE', pending_key, ended_ttl_s)
end

local function keep(key, candle)
  redis.call('SET', key, candle.json, 'EX', ttl_s)
end

-- Save -------------------------------------------------------------------------------------------

local candle = parse(ARGV[1])
if not candle then return redis.error_reply('MALFORMED ' .. ARGV[1]) end
local newest = tonumber(redis.call('GET', fence_key) or '0') or 0
if fence > 0 and fence < newest then return {0, 'fenced'} end
if fence == 0 and newest > 0 and candle.is_live then candle = as_client(candle) end
if is_missing(candle) then return {0, 'missing'} end

local stored = parse(redis.call('GET', live_key))
if stored and (stored.time > now_ms + ahead_ms or is_missing(stored)) then stored = nil end

if not stored then
  keep(live_key, candle)
  return {1, 'forming'}
end

if candle.time == stored.time then
  local own = own_beneath(stored)
  if own then
    local wins, reason = is_better(candle, own)
    if not wins then
      if is_better(own, stored) then keep(live_key, own) end
      return {0, reason}
    end
  end
  local wins, reason = is_better(candle, stored)
  if stored.is_live and not candle.is_live and wins then keep(own_key, stored) end
  if candle.is_live and not stored.is_live and not wins then keep(own_key, candle) end
  if not wins then return {0, reason} end
  keep(live_key, candle)
  return {1, 'forming'}
end

if candle.time > stored.time then
  local closed, own, known = completed(stored), own_beneath(stored), pending_at(stored.score)
  if own and is_better(completed(own), closed) then closed = completed(own) end
  if not known or is_better(closed, known) then keep_pending(closed) end
  keep(live_key, candle)
  return {1, 'forming'}
end

-- Older than the forming one: late news of our own feed about a candle that closed.
if not candle.is_live then return {0, 'older'} end
local closed, known = completed(candle), pending_at(candle.score)
if known then
  local wins, reason = is_better(closed, known)
  if not wins then return {0, reason} end
end
keep_pending(closed)
return {1, 'pending'}

-- Saves a live candle. The forming candle only ever moves forward; the one before it is kept as
-- pending until its official version stands for it.
--
-- KEYS  1  live_candle  STRING  JSON of the forming candle
--       2  pending_z    ZSET    score = open time in ms, member = JSON of a candle that closed
-- ARGV  1  the candle's JSON, laid out as `LiveCandle.to_json` does
--       2  exchange time now, in ms
--       3  how long a candle of our own feed counts as fresh, in ms
--       4  how far ahead of now a stored open time may lie before it counts as junk, in ms
--       5  how many pending candles are kept
--       6  how long both keys live, in s
-- Returns {1, "forming" or "pending"} where it was saved, else {0, reason}: "older", "stale" or
--         "outranked".
-- Errors  WRONGTYPE, MALFORMED: nothing was written.
--
-- Running twice with the same arguments changes nothing the second time.

local live_key, pending_key = KEYS[1], KEYS[2]
local now_ms, fresh_ms, ahead_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept, ttl_s = tonumber(ARGV[5]), ARGV[6]

for key, expected in pairs({[live_key] = 'string', [pending_key] = 'zset'}) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= expected then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is not a ' .. expected)
  end
end

-- The JSON as our own writer lays it out; nil for anything else, which then counts as absent.
local function parse(json)
  if not json then return nil end
  local time, quote, taker, taker_quote, trades, source, complete, updated_at = string.match(json,
    '^{"time":(%d+),"open":[%d.]+,"high":[%d.]+,"low":[%d.]+,"close":[%d.]+,"volume":[%d.]+,'
    .. '"quote_volume":([%d.nul]+),"taker_volume":([%d.nul]+),"taker_quote_volume":([%d.nul]+),'
    .. '"trades":(%d+),"first_id":%-?%d+,"last_id":%-?%d+,"source":"(%l+)",'
    .. '"is_complete":(%l+),"complete":%l+,"updated_at":(%d+)}$')
  if not time then return nil end
  for _, volume in ipairs({quote, taker, taker_quote}) do
    if volume ~= 'null' and not string.match(volume, '^[%d.]+$') then return nil end
  end
  return {json = json, score = time, time = tonumber(time), trades = tonumber(trades),
          is_live = source == 'live', is_complete = complete == 'true',
          updated_at = tonumber(updated_at)}
end

-- Its interval has ended; whether it holds all trades of it, nobody has proven.
local function completed(candle)
  if candle.is_complete then return candle end
  return parse((string.gsub(candle.json, '"is_complete":false,"complete":%l+',
    '"is_complete":true,"complete":false')))
end

local function is_fresh(candle)
  return candle.is_live and now_ms - candle.updated_at < fresh_ms
end

-- Who knows more. Completeness counts last: it must not matter whether a candle was completed
-- before or after it was compared.
local function is_later(candle, than)
  if candle.updated_at ~= than.updated_at then return candle.updated_at > than.updated_at end
  if candle.is_live ~= than.is_live then return candle.is_live end
  if candle.trades ~= than.trades then return candle.trades > than.trades end
  local closed, than_closed = completed(candle).json, completed(than).json
  if closed ~= than_closed then return closed > than_closed end
  return candle.is_complete or not than.is_complete
end

-- Whether `candle` may take the place of `stored` at the same open time; if not, why. Our feed wins
-- while it is fresh, else whoever knows more. At any one moment this is a total order: the same
-- candles end the same way, in whatever order they come.
local function is_better(candle, stored)
  if is_fresh(candle) ~= is_fresh(stored) then
    return is_fresh(candle), candle.is_live and 'stale' or 'outranked'
  end
  return is_later(candle, stored), 'stale'
end

local function pending_at(score)
  local best
  for _, json in ipairs(redis.call('ZRANGEBYSCORE', pending_key, score, score)) do
    local found = parse(json)
    if found and found.score == score and (not best or is_better(found, best)) then best = found end
  end
  return best
end

local function keep_pending(candle)
  redis.call('ZREMRANGEBYSCORE', pending_key, candle.score, candle.score)
  redis.call('ZADD', pending_key, candle.score, candle.json)
  redis.call('ZREMRANGEBYRANK', pending_key, 0, -kept - 1)
  redis.call('EXPIRE', pending_key, ttl_s)
end

local function keep_forming(candle)
  redis.call('SET', live_key, candle.json, 'EX', ttl_s)
end

local candle = parse(ARGV[1])
if not candle then return redis.error_reply('MALFORMED ' .. ARGV[1]) end
local stored = parse(redis.call('GET', live_key))
if stored and stored.time > now_ms + ahead_ms then stored = nil end

if not stored then
  keep_forming(candle)
  return {1, 'forming'}
end

if candle.time == stored.time then
  local wins, reason = is_better(candle, stored)
  if not wins then return {0, reason} end
  keep_forming(candle)
  return {1, 'forming'}
end

if candle.time > stored.time then
  local closed, known = completed(stored), pending_at(stored.score)
  if not known or is_better(closed, known) then keep_pending(closed) end
  keep_forming(candle)
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

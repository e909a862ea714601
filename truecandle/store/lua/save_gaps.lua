-- Keeps what has changed of the gaps, and takes away the live candles that are proven missing.
--
-- KEYS  1  gaps         HASH    first open time in ms -> JSON of a gap
--       2  missing_z    ZSET    the proven gaps: score = first open time in ms, member = their end
--       3  pending_z    ZSET    score = open time in ms, member = JSON of a candle that closed
--       4  live_candle  STRING  JSON of the forming candle
--       5  own_candle   STRING  JSON of our feed's own candle
-- ARGV  1  how many gaps are gone
--       2… their first open times, then first open time, JSON, first open time, JSON, …
-- Returns how many live candles were taken away.
-- Errors  WRONGTYPE: nothing was written.
--
-- `missing_z` is made from all gaps anew: whoever else has written some, what is there counts.
-- `save_live.lua` saves nothing that lies in it. Running twice changes nothing the second time.

local FIRST = 2
local PROVEN = {maintenance = true, not_listed = true, delisted = true}
local LAST_MS = 253402300800000   -- the end of the year 9999

local gaps_key, missing_key, pending_key = KEYS[1], KEYS[2], KEYS[3]

local function type_of(key) return redis.call('TYPE', key)['ok'] end

if type_of(gaps_key) ~= 'none' and type_of(gaps_key) ~= 'hash' then
  return redis.error_reply('WRONGTYPE ' .. gaps_key .. ' is not a hash')
end

local function is_time(value)
  return type(value) == 'number' and value >= 0 and value <= LAST_MS and value % 1 == 0
end

-- The proven gaps, ascending and apart; what is no gap of ours proves nothing.
local function proven()
  local found, apart = {}, {}
  for _, text in ipairs(redis.call('HVALS', gaps_key)) do
    local is_json, gap = pcall(cjson.decode, text)
    if is_json and type(gap) == 'table' and PROVEN[gap.reason]
       and is_time(gap.start) and is_time(gap['end']) and gap.start < gap['end'] then
      found[#found + 1] = {gap.start, gap['end']}
    end
  end
  table.sort(found, function(one, other) return one[1] < other[1] end)
  for _, span in ipairs(found) do
    local last = apart[#apart]
    if last and span[1] <= last[2] then
      last[2] = math.max(last[2], span[2])
    else
      apart[#apart + 1] = span
    end
  end
  return apart
end

local function text_of(ms) return string.format('%.0f', ms) end

-- Write ------------------------------------------------------------------------------------------

local gone = tonumber(ARGV[1])
for i = FIRST, FIRST + gone - 1 do redis.call('HDEL', gaps_key, ARGV[i]) end
for i = FIRST + gone, #ARGV, 2 do redis.call('HSET', gaps_key, ARGV[i], ARGV[i + 1]) end

local missing, taken = proven(), 0
redis.call('DEL', missing_key)
for _, span in ipairs(missing) do
  redis.call('ZADD', missing_key, text_of(span[1]), text_of(span[2]))
end

if type_of(pending_key) == 'zset' then
  for _, span in ipairs(missing) do
    taken = taken + redis.call('ZREMRANGEBYSCORE', pending_key,
      text_of(span[1]), '(' .. text_of(span[2]))
  end
end
for i = 4, 5 do
  local text = type_of(KEYS[i]) == 'string' and redis.call('GET', KEYS[i]) or ''
  local open_ms = tonumber(string.match(text, '^{"time":(%d+),'))
  for _, span in ipairs(missing) do
    if open_ms and span[1] <= open_ms and open_ms < span[2] then
      taken = taken + redis.call('DEL', KEYS[i])
    end
  end
end
return taken

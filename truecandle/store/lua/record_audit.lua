-- Keeps what the chart had shown of candles whose official version came: once per open time.
--
-- KEYS  1  audit  LIST  JSON of one candle each, {"time":…}, the newest first
-- ARGV  1  how many are kept
--       2  how many of the newest are searched for the same open time
--       3… open time, JSON, open time, JSON, …: in the order in which they came
-- Returns how many were added; those whose open time is there already stay as they are.
-- Errors  WRONGTYPE: nothing was written.
--
-- Running twice with the same arguments changes nothing the second time.

local found = redis.call('TYPE', KEYS[1])['ok']
if found ~= 'none' and found ~= 'list' then
  return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is not a list')
end

local known = {}
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, ARGV[2] - 1)) do
  local time = string.match(entry, '^{"time":(%d+),')
  if time then known[time] = true end
end

local added = 0
for i = 3, #ARGV, 2 do
  if not known[ARGV[i]] then
    redis.call('LPUSH', KEYS[1], ARGV[i + 1])
    added = added + 1
  end
end
if added > 0 then redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1) end
return added

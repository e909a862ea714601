-- Brings the shared window up to what the exchange says was used in its current minute.
--
-- KEYS  1  weight  HASH  second (of exchange time) -> weight spent in it
-- ARGV  1  weight that the exchange counts in its current minute
--       2  exchange time now, in ms
--       3  the window's length, in s
--       4  how early in a minute the number may still be that of the minute before, in ms
--       5  how long the hash lives, in s
-- Returns how much was added: spent by somebody else at this address.
--
-- Running twice adds once.

local used, now_ms, window_s = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now_s = math.floor(now_ms / 1000)
local first_s = now_s - now_s % 60
if now_ms % 60000 < tonumber(ARGV[4]) then first_s = now_s - window_s end

local known = 0
local spent = redis.call('HGETALL', KEYS[1])
for i = 1, #spent, 2 do
  local second, weight = tonumber(spent[i]), tonumber(spent[i + 1])
  if second and weight and second >= first_s and second <= now_s + window_s then
    known = known + weight
  end
end

local missing = math.max(0, used - known)
if missing > 0 then
  redis.call('HINCRBY', KEYS[1], string.format('%.0f', now_s), missing)
  redis.call('EXPIRE', KEYS[1], ARGV[5])
end
return missing

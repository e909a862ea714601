-- Takes request weight out of a sliding window that all processes share.
--
-- KEYS  1  weight  HASH    second (of exchange time) -> weight spent in it; allowed -> what the
--                          exchange says that it allows in a minute
--       2  ban     STRING  exchange time in ms until which no request may leave
-- ARGV  1  weight wanted
--       2  exchange time now, in ms
--       3  the most that the window may hold after this
--       4  the window's length, in s
--       5  how long the hash lives, in s
--       6  what an exchange usually allows in a minute: 3 is meant of that
-- Returns 0 if taken, else after how many ms to ask again (nothing was taken).
--
-- Running twice takes twice: the safe side.

local weight_key, ban_key = KEYS[1], KEYS[2]
local wanted, now_ms, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local window_s, ttl_s = tonumber(ARGV[4]), ARGV[5]
local now_s = math.floor(now_ms / 1000)

local banned_ms = (tonumber(redis.call('GET', ban_key) or '0') or 0) - now_ms
if banned_ms > 0 then return banned_ms end

local allowed = tonumber(redis.call('HGET', weight_key, 'allowed') or '') or tonumber(ARGV[6])
-- Whatever is allowed, the heaviest request fits once: else nobody would ever ask.
limit = math.max(wanted, math.floor(limit * allowed / tonumber(ARGV[6])))

local seconds, total, forgotten = {}, 0, {}
local spent = redis.call('HGETALL', weight_key)
for i = 1, #spent, 2 do
  local second, weight = tonumber(spent[i]), tonumber(spent[i + 1])
  -- A second of this window, or of one that a clock slightly ahead of ours has begun.
  if second and weight and math.abs(now_s - second) <= window_s then
    seconds[#seconds + 1] = {second, weight}
    total = total + weight
  elseif spent[i] ~= 'allowed' then
    forgotten[#forgotten + 1] = spent[i]
  end
end

if total + wanted > limit then
  table.sort(seconds, function(a, b) return a[1] < b[1] end)
  for _, entry in ipairs(seconds) do
    total = total - entry[2]
    if total + wanted <= limit then
      return (entry[1] + window_s + 1) * 1000 - now_ms
    end
  end
  return window_s * 1000
end

if #forgotten > 0 then redis.call('HDEL', weight_key, unpack(forgotten, 1, math.min(#forgotten, 1000))) end
redis.call('HINCRBY', weight_key, string.format('%.0f', now_s), wanted)
redis.call('EXPIRE', weight_key, ttl_s)
return 0

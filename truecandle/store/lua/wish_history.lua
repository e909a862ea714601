-- Wishes for older candles of a series, or renews a wish that stands.
--
-- KEYS  1  history_wishes  HASH  series -> {"from": ms, "until": ms by this server's clock}
-- ARGV  1  series
--       2  how far back, in ms; '' renews what was wished for
--       3  how long a wish lives, in ms
--       4  how many wishes may stand at once
--       5  how long the hash lives, in s
-- Returns 1 if the wish stands; 0 if there was none to renew; -1 if there is no room: nothing was
--         written.
-- Errors  WRONGTYPE: nothing was written.
--
-- Of several wishes for one series the one that goes furthest back counts. What has lapsed, and what
-- is no wish, is dropped. Running twice with the same arguments changes nothing the second time, but
-- that the wish lives on from then.

local key, series, lifetime_ms = KEYS[1], ARGV[1], tonumber(ARGV[3])

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

-- How far back a standing wish goes. One that ends long after it could is from before this server's
-- clock was set back.
local function standing(text)
  local is_json, wish = pcall(cjson.decode, text)
  if not is_json or type(wish) ~= 'table' then return nil end
  local from_ms, until_ms = tonumber(wish['from']), tonumber(wish['until'])
  if not from_ms or not until_ms then return nil end
  if until_ms <= now_ms or until_ms > now_ms + 4 * lifetime_ms then return nil end
  return from_ms
end

local stored, lapsed, count, from_ms = redis.call('HGETALL', key), {}, 0, nil
for i = 1, #stored, 2 do
  local found = standing(stored[i + 1])
  if not found then
    lapsed[#lapsed + 1] = stored[i]
  elseif stored[i] == series then
    from_ms = found
  else
    count = count + 1
  end
end

if ARGV[2] == '' then
  if not from_ms then return 0 end
elseif not from_ms then
  if count >= tonumber(ARGV[4]) then return -1 end
  from_ms = tonumber(ARGV[2])
else
  from_ms = math.min(from_ms, tonumber(ARGV[2]))
end

for _, name in ipairs(lapsed) do redis.call('HDEL', key, name) end
redis.call('HSET', key, series,
  string.format('{"from":%.0f,"until":%.0f}', from_ms, now_ms + lifetime_ms))
redis.call('EXPIRE', key, ARGV[5])
return 1

-- Writes followed markets: the first ones, one more, or what is now known of those there are.
--
-- KEYS  1  markets           HASH  symbol -> JSON
--       2  market_followers  HASH  symbol -> user
-- ARGV  1  "seed"    writes all, if no market was ever followed
--          "add"     writes those not followed yet, if there is room for all of them
--          "update"  writes those that are followed
--       2  how many may be followed
--       3  the user who follows; "": nobody in particular
--       4  how many that user may follow
--       5… symbol, JSON, symbol, JSON, …
-- Returns how many were written; -1 if there is no room, -2 if the user has none left: nothing was
-- written.
-- Errors  WRONGTYPE: nothing was written.
--
-- Running twice with the same arguments changes nothing the second time.

local key, followers, mode, most = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local user, quota = ARGV[3], tonumber(ARGV[4])

local count = redis.call('HLEN', key)
if mode == 'seed' and count > 0 then return 0 end

local own = 0
for _, name in ipairs(redis.call('HVALS', followers)) do
  if name == user then own = own + 1 end
end

local written = {}
for i = 5, #ARGV, 2 do
  local is_followed = redis.call('HEXISTS', key, ARGV[i]) == 1
  if is_followed == (mode == 'update') then
    written[#written + 1] = i
  end
end

if mode ~= 'update' and #written > 0 and count + #written > most then return -1 end
if user ~= '' and #written > 0 and own + #written > quota then return -2 end
for _, i in ipairs(written) do
  redis.call('HSET', key, ARGV[i], ARGV[i + 1])
  if user ~= '' then redis.call('HSET', followers, ARGV[i], user) end
end
return #written

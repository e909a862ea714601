-- Writes followed markets: the first ones, one more, or what is now known of those there are.
--
-- KEYS  1  markets  HASH  symbol -> JSON
-- ARGV  1  "seed"    writes all, if no market was ever followed
--          "add"     writes those not followed yet, if there is room for all of them
--          "update"  writes those that are followed
--       2  how many may be followed
--       3… symbol, JSON, symbol, JSON, …
-- Returns how many were written; -1 if there is no room: nothing was written.
-- Errors  WRONGTYPE: nothing was written.
--
-- Running twice with the same arguments changes nothing the second time.

local key, mode, most = KEYS[1], ARGV[1], tonumber(ARGV[2])

local count = redis.call('HLEN', key)
if mode == 'seed' and count > 0 then return 0 end

local written = {}
for i = 3, #ARGV, 2 do
  local is_followed = redis.call('HEXISTS', key, ARGV[i]) == 1
  if is_followed == (mode == 'update') then
    written[#written + 1] = i
  end
end

if mode ~= 'update' and #written > 0 and count + #written > most then return -1 end
for _, i in ipairs(written) do
  redis.call('HSET', key, ARGV[i], ARGV[i + 1])
end
return #written

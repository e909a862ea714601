-- Follows one market less, but never none.
--
-- KEYS  1  markets  HASH  symbol -> JSON
-- ARGV  1  symbol
-- Returns 1 if it was removed, 0 if it was not followed, -1 if it is the last one.
-- Errors  WRONGTYPE: nothing was written.

local key, symbol = KEYS[1], ARGV[1]

if redis.call('HEXISTS', key, symbol) == 0 then return 0 end
if redis.call('HLEN', key) == 1 then return -1 end
return redis.call('HDEL', key, symbol)

-- Follows one market less, but never none.
--
-- KEYS  1  markets           HASH  symbol -> JSON
--       2  market_followers  HASH  symbol -> user
-- ARGV  1  symbol
--       2  the user who must have followed it; "": whoever did
-- Returns 1 if it was removed, 0 if it was not followed, -1 if it is the last one, -2 if that user
-- did not follow it.
-- Errors  WRONGTYPE: nothing was written.

local key, followers, symbol, user = KEYS[1], KEYS[2], ARGV[1], ARGV[2]

if redis.call('HEXISTS', key, symbol) == 0 then return 0 end
if user ~= '' and redis.call('HGET', followers, symbol) ~= user then return -2 end
if redis.call('HLEN', key) == 1 then return -1 end
redis.call('HDEL', followers, symbol)
return redis.call('HDEL', key, symbol)

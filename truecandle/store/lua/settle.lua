-- Drops the pending candles that official ones now stand for.
--
-- KEYS  1  pending_z  ZSET  score = open time in ms
-- ARGV  1… open times in ms
-- Returns how many were dropped.
-- Errors  WRONGTYPE: nothing was written.

local dropped = 0
for _, open_ms in ipairs(ARGV) do
  dropped = dropped + redis.call('ZREMRANGEBYSCORE', KEYS[1], open_ms, open_ms)
end
return dropped

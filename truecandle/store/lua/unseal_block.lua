-- Puts the candles of the newest block back into the ZSET. After official_series.lua, which says
-- what KEYS are. Nothing changes for who reads the series: its version stays.
--
-- ARGV  1  fencing number of this writer; 0 = none
--       2  where the block's span begins, 3 the SHA-1 of the block, 4 how many candles it counts for
--       5… open time, member, open time, member, …: all of the block, 1,000 at most
-- Returns 1, or 0 if it is another block by now, or not the newest: then nothing was written.
-- Errors  WRONGTYPE, STALEWRITER, BROKENINDEX: nothing was written.

local refusal = refused()
if refusal then return refusal end
local newest = block_at(-1)
if not newest or newest.start ~= tonumber(ARGV[2]) then return 0 end
if redis.sha1hex(stored_block(ARGV[2]) or '') ~= ARGV[3] then return 0 end

for first = 5, #ARGV, UNPACK_MAX do
  redis.call('ZADD', zset, unpack(ARGV, first, math.min(first + UNPACK_MAX - 1, #ARGV)))
end
drop_block(ARGV[2])
enter(ARGV[2], 0, 0, 0, 0, -tonumber(ARGV[4]))
keep_fence()
return 1

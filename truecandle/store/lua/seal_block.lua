-- Moves the oldest candles of the ZSET into a block. After official_series.lua, which says what KEYS
-- are. Nothing changes for who reads the series: its version stays.
--
-- ARGV  1  fencing number of this writer; 0 = none
--       2  where the block's span begins, 3 where it ends
--       4  how many members the ZSET has before that end, 5 the SHA-1 of all of them in a row
--       6  open time of the first, 7 of the last of them
--       8  the block
-- Returns 1, or 0 if the ZSET holds other members there by now, or -1 if a block reaches beyond
--         that beginning, or lies there though the index does not tell of it: then nothing was
--         written.
-- Errors  WRONGTYPE, STALEWRITER, BROKENINDEX: nothing was written.

local refusal = refused()
if refusal then return refusal end
if tonumber(ARGV[2]) < boundary() then return -1 end
if redis.call('HEXISTS', blocks_key, ARGV[2]) == 1 then return -1 end
local members = redis.call('ZRANGEBYSCORE', zset, '-inf', '(' .. ARGV[3])
if #members ~= tonumber(ARGV[4]) or redis.sha1hex(table.concat(members)) ~= ARGV[5] then return 0 end

redis.call('ZREMRANGEBYSCORE', zset, '-inf', '(' .. ARGV[3])
redis.call('HSET', blocks_key, ARGV[2], ARGV[8])
enter(ARGV[2], ARGV[3], ARGV[4], ARGV[6], ARGV[7], tonumber(ARGV[4]))
keep_fence()
return 1

-- Puts another block in the place of one, or where none is before the place where the halves meet:
-- its candles were corrected, or some came late. After official_series.lua, which says what KEYS
-- are.
--
-- ARGV  1  fencing number of this writer; 0 = none
--       2  who noticed (a short word, for corrections)
--       3  how many corrections are kept
--       4  where the block's span begins, 5 where it ends
--       6  the SHA-1 of the block and its entry in the index, in a row, as they were read
--       7  the block to be stored; '' = that one stays, or, with no candles, goes
--       8  how many candles are in it, 9 open time of the first, 10 of the last
--       11 how many of them the writer has changed
--       12… open time, old member, new member, …: those that were corrected
-- Returns {as renew_meta}, 0 if another block or entry is there by now, or -1 if the span is not
--         sealed: then nothing was written.
-- Errors  WRONGTYPE, STALEWRITER, BROKENINDEX: nothing was written.
--
-- What lies in the ZSET within the span is none of the series, and goes. Whether the rows may take
-- the place of a block that cannot be read is decided by who calls.

local refusal = refused()
if refusal then return refusal end
local start, stop, count = ARGV[4], ARGV[5], tonumber(ARGV[8])
if tonumber(stop) > boundary() then return -1 end
local stored = redis.call('HGET', blocks_key, start)
local entry = redis.call('ZRANGEBYSCORE', index_key, start, start)[1]
if redis.sha1hex((stored or '') .. (entry or '')) ~= ARGV[6] then return 0 end

local before = 0
if entry then before = tonumber(string.match(entry, '^%d+:%d+:(%d+):') or '0') end
local log = {}
for i = 12, #ARGV, 3 do log[#log + 1] = {ARGV[i], ARGV[i + 1], ARGV[i + 2]} end

local strays = redis.call('ZREMRANGEBYSCORE', zset, start, '(' .. stop)
local is_entered = entry == table.concat({start, stop, count, ARGV[9], ARGV[10]}, ':')
local has_changed = tonumber(ARGV[11]) > 0 or strays > 0 or (count > 0 and not is_entered)
if has_changed then
  if ARGV[7] ~= '' then
    redis.call('HSET', blocks_key, start, ARGV[7])
  elseif count == 0 then
    redis.call('HDEL', blocks_key, start)
  end
  enter(start, stop, count, ARGV[9], ARGV[10], count - before)
  -- Nobody knows whether the sum had it.
  if stored and not entry and count > 0 then recount() end
end
log_corrections(log, ARGV[2], ARGV[3])
local held = renew_meta(has_changed)
keep_fence()
return held

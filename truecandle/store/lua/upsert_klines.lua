-- Stores official candles that open where no block is: one member per open time, whatever was
-- there before. After official_series.lua, which says what KEYS are.
--
-- ARGV  1  fencing number of this writer; 0 = none
--       2  who noticed (a short word, for corrections)
--       3  how many corrections are kept
--       4… open time, member, open time, member, …: ascending, each open time once, at most 500.
--          None at all: counts what is there. 'anew' alone: forgets, too, entries of the index
--          that are none, and blocks of which it does not tell.
-- Returns {added, unchanged, corrected, healed, {positions of the candles added, corrected or
--          healed, from 1}, {as renew_meta}}, or, if the first of them lies before where the halves
--          meet, that time: then nothing was written.
-- Errors  WRONGTYPE, STALEWRITER, BROKENINDEX: nothing was written.
--
-- Running twice with the same arguments changes nothing the second time.

local FIRST = 4
local is_renewal = ARGV[FIRST] == 'anew'
local rows = is_renewal and 0 or (#ARGV - FIRST + 1) / 2

local function position(i) return FIRST + 2 * (i - 1) end

-- Look -------------------------------------------------------------------------------------------

local refusal = refused(is_renewal)
if refusal then return refusal end
if rows > 0 and tonumber(ARGV[FIRST]) < boundary() then return boundary() end

-- Whether a member can be ours: its own open time, 12 plain numbers, nothing else.
local function is_ours(member, open_ms)
  if string.sub(member, 1, #open_ms + 2) ~= '[' .. open_ms .. ','
     or not string.find(member, '^%[[%d.,]*%]$') then
    return false
  end
  local fields = 0
  for field in string.gmatch(string.sub(member, 2, -2) .. ',', '([^,]*),') do
    fields = fields + 1
    if string.find(field, '^0%d')
       or not (string.find(field, '^%d+$') or string.find(field, '^%d+%.%d+$')) then
      return false
    end
  end
  return fields == 12
end

-- Decide -----------------------------------------------------------------------------------------

local added, unchanged, corrected, healed = 0, 0, 0, 0
local changed, writes, removals, log = {}, {}, {}, {}

local function plan_write(i)
  local at = position(i)
  changed[#changed + 1] = i
  writes[#writes + 1] = ARGV[at]
  writes[#writes + 1] = ARGV[at + 1]
end

-- What to do with row i, where `found` are the members stored at its open time.
local function plan(i, found)
  local at = position(i)
  local open_ms, member = ARGV[at], ARGV[at + 1]
  if #found == 0 then
    added = added + 1
    return plan_write(i)
  end
  if #found == 1 and found[1] == member then
    unchanged = unchanged + 1
    return
  end
  for _, old in ipairs(found) do removals[#removals + 1] = old end
  if #found == 1 and is_ours(found[1], open_ms) then
    corrected = corrected + 1
    log[#log + 1] = {open_ms, found[1], member}
  else
    healed = healed + 1
  end
  plan_write(i)
end

-- Reads the chunk's range once; what lies in it and is not ours goes as well.
local function plan_by_range(first_ms, last_ms)
  local found = {}
  local stored = redis.call('ZRANGEBYSCORE', zset, first_ms, last_ms, 'WITHSCORES')
  for j = 1, #stored, 2 do
    local member, score = stored[j], stored[j + 1]
    found[score] = found[score] or {}
    table.insert(found[score], member)
  end
  for i = 1, rows do
    local score = ARGV[position(i)]
    plan(i, found[score] or {})
    found[score] = nil
  end
  for score, members in pairs(found) do
    for _, member in ipairs(members) do
      if not is_ours(member, score) then
        removals[#removals + 1] = member
        healed = healed + 1
      end
    end
  end
end

-- A sparse chunk over a long stored range: row by row, so that the work stays bounded by the rows.
local function plan_by_row()
  for i = 1, rows do
    local score = ARGV[position(i)]
    plan(i, redis.call('ZRANGEBYSCORE', zset, score, score))
  end
end

local is_plain = false   -- nothing is there: ARGV itself goes into one ZADD
if rows > 0 then
  local first_ms, last_ms = ARGV[FIRST], ARGV[position(rows)]
  local between = redis.call('ZCOUNT', zset, first_ms, last_ms)
  if between == 0 then
    is_plain = true
    added = rows
  elseif between <= 2 * rows + 100 then
    plan_by_range(first_ms, last_ms)
  else
    plan_by_row()
  end
end

-- Write ------------------------------------------------------------------------------------------

local function add(values, first, last)
  local missed = (last - first + 1) / 2 - redis.call('ZADD', zset, 'NX', unpack(values, first, last))
  -- NX looks at members: one of ours lies under a foreign open time. Move it to its own.
  if missed > 0 then redis.call('ZADD', zset, unpack(values, first, last)) end
end

-- Entries of the index that are none, blocks that no entry tells of, and a wrong sum of candles.
local function forget_strays()
  local known = {count = true}
  local entries = redis.call('ZRANGE', index_key, 0, -1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    local start = string.match(entries[i], '^(%d+):%d+:%d+:%d+:%d+$')
    if start and tonumber(entries[i + 1]) == tonumber(start) then
      known[start] = true
    else
      redis.call('ZREM', index_key, entries[i])
    end
  end
  for _, field in ipairs(redis.call('HKEYS', blocks_key)) do
    if not known[field] then redis.call('HDEL', blocks_key, field) end
  end
  recount()
  if sealed_count() == 0 then redis.call('HDEL', blocks_key, 'count') end
end

for first = 1, #removals, UNPACK_MAX do
  redis.call('ZREM', zset, unpack(removals, first, math.min(first + UNPACK_MAX - 1, #removals)))
end
if is_plain then
  add(ARGV, FIRST, #ARGV)
elseif #writes > 0 then
  add(writes, 1, #writes)
end

log_corrections(log, ARGV[2], ARGV[3])
if is_renewal then forget_strays() end
local held = renew_meta(added + corrected + healed > 0)
keep_fence()

return {added, unchanged, corrected, healed, is_plain and {} or changed, held}

-- Stores official candles: one member per open time, whatever was there before.
--
-- KEYS  1  klines_z      ZSET    score = open time in ms, member = JSON array of 12 fields
--       2  klines_meta   STRING  {"earliest","latest","count","version"} of the ZSET
--       3  corrections   LIST    {"time","old","new","at","by"}, newest first
--       4  fence         STRING  the newest fencing number in force (hold_lease.lua), or that wrote
-- ARGV  1  fencing number of this writer; 0 = none
--       2  who noticed (a short word, for corrections)
--       3  how many corrections are kept
--       4… open time, member, open time, member, …: ascending, each open time once, at most 500
-- Returns {added, unchanged, corrected, healed, previous, version, earliest, latest, count,
--          {positions of the candles added, corrected or healed, from 1}}; earliest and latest
--          are -1 while nothing is stored.
-- Errors  WRONGTYPE, STALEWRITER: nothing was written.
--
-- Three parts: look (no writes), decide, write. Redis has no rollback: after the first write
-- nothing may fail. Running twice with the same arguments changes nothing the second time.

local FIRST = 4
local UNPACK_MAX = 4000   -- values that unpack() may put on Lua's stack at once
local VERSION_MAX = 2^53
local TIME_MAX = '9007199254740991'

local zset, meta_key, corrections_key, fence_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local rows = (#ARGV - FIRST + 1) / 2

local function position(i) return FIRST + 2 * (i - 1) end

-- Look -------------------------------------------------------------------------------------------

local function wrong_type(key, expected)
  local found = redis.call('TYPE', key)['ok']
  return found ~= 'none' and found ~= expected
end

for key, expected in pairs({[zset] = 'zset', [meta_key] = 'string',
                            [corrections_key] = 'list', [fence_key] = 'string'}) do
  if wrong_type(key, expected) then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is not a ' .. expected)
  end
end

local fence = tonumber(ARGV[1])
local fence_stored = tonumber(redis.call('GET', fence_key) or '0') or 0
if fence < fence_stored then
  return redis.error_reply('STALEWRITER ' .. ARGV[1] .. ' is older than ' .. fence_stored)
end

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

local function stored_meta()
  local text = redis.call('GET', meta_key)
  local is_json, meta = pcall(cjson.decode, text or '')
  if not is_json or type(meta) ~= 'table' then return {version = 0} end
  local version = tonumber(meta.version)
  if not version or version < 0 or version >= VERSION_MAX or version % 1 ~= 0 then
    meta.version = 0
  else
    meta.version = version
  end
  return meta
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

for first = 1, #removals, UNPACK_MAX do
  redis.call('ZREM', zset, unpack(removals, first, math.min(first + UNPACK_MAX - 1, #removals)))
end
if is_plain then
  add(ARGV, FIRST, #ARGV)
elseif #writes > 0 then
  add(writes, 1, #writes)
end

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

for _, entry in ipairs(log) do
  redis.call('LPUSH', corrections_key, '{"time":' .. entry[1] .. ',"old":' .. entry[2]
    .. ',"new":' .. entry[3] .. ',"at":' .. string.format('%.0f', now_ms)
    .. ',"by":' .. cjson.encode(ARGV[2]) .. '}')
end
if #log > 0 then redis.call('LTRIM', corrections_key, 0, ARGV[3] - 1) end

local count = redis.call('ZCARD', zset)
local function first_score(...)
  local pair = redis.call(...)
  return pair[2] and math.floor(tonumber(pair[2])) or -1
end
local earliest = first_score('ZRANGEBYSCORE', zset, 0, TIME_MAX, 'WITHSCORES', 'LIMIT', 0, 1)
local latest = first_score('ZREVRANGEBYSCORE', zset, TIME_MAX, 0, 'WITHSCORES', 'LIMIT', 0, 1)

local meta = stored_meta()
local previous, version = meta.version, meta.version
local function known(value) return type(value) == 'number' and value or -1 end
if added + corrected + healed > 0 or known(meta.earliest) ~= earliest
   or known(meta.latest) ~= latest or (meta.count or 0) ~= count then
  version = math.max(previous + 1, now_ms)
  local function shown(ms) return ms < 0 and 'null' or string.format('%.0f', ms) end
  redis.call('SET', meta_key, string.format('{"earliest":%s,"latest":%s,"count":%d,"version":%.0f}',
    shown(earliest), shown(latest), count, version))
end
if fence > fence_stored then redis.call('SET', fence_key, ARGV[1]) end

return {added, unchanged, corrected, healed, previous, version,
        earliest, latest, count, is_plain and {} or changed}

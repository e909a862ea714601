-- What every script has in common that writes official candles. It stands before each of them.
--
-- A series has two halves: blocks of older candles, and a ZSET of all that open at the end of the
-- newest block or later. No script leaves a candle in both, or in neither.
--
-- KEYS  1  klines_z       ZSET    score = open time in ms, member = JSON array of 12 fields
--       2  klines_meta    STRING  {"earliest","latest","count","version"} of both halves
--       3  corrections    LIST    {"time","old","new","at","by"}, newest first
--       4  fence          STRING  the newest fencing number in force (hold_lease.lua), or that wrote
--       5  klines_blocks  HASH    where a span begins in ms -> bytes; count -> candles of all blocks
--       6  klines_index   ZSET    score = where a span begins, member = start:end:count:first:last
-- ARGV  1  fencing number of this writer; 0 = none
-- Errors  WRONGTYPE, STALEWRITER, BROKENINDEX (an entry is none of ours: where the halves meet is
--         not known; `flask doctor --repair` mends it): nothing was written.
--
-- Each script looks (no writes), decides, writes. Redis has no rollback: after the first write
-- nothing may fail.

local VERSION_MAX = 2^53
local TIME_MAX = '9007199254740991'
local UNPACK_MAX = 4000   -- values that unpack() may put on Lua's stack at once

local zset, meta_key, corrections_key = KEYS[1], KEYS[2], KEYS[3]
local fence_key, blocks_key, index_key = KEYS[4], KEYS[5], KEYS[6]

local fence = tonumber(ARGV[1])
local fence_stored = 0

-- An error reply if this writer may not write; nil if it may. Who repairs may with a broken index.
local function refused(repairs)
  local types = {[zset] = 'zset', [meta_key] = 'string', [corrections_key] = 'list',
                 [fence_key] = 'string', [blocks_key] = 'hash', [index_key] = 'zset'}
  for key, expected in pairs(types) do
    local found = redis.call('TYPE', key)['ok']
    if found ~= 'none' and found ~= expected then
      return redis.error_reply('WRONGTYPE ' .. key .. ' is not a ' .. expected)
    end
  end
  fence_stored = tonumber(redis.call('GET', fence_key) or '0') or 0
  if fence < fence_stored then
    return redis.error_reply('STALEWRITER ' .. ARGV[1] .. ' is older than ' .. fence_stored)
  end
  if not repairs then
    for _, place in ipairs({0, -1}) do
      local entry = redis.call('ZRANGE', index_key, place, place)[1]
      if entry and not string.find(entry, '^%d+:%d+:%d+:%d+:%d+$') then
        return redis.error_reply('BROKENINDEX ' .. index_key .. ' holds what is none of ours')
      end
    end
  end
end

local function keep_fence()
  if fence > fence_stored then redis.call('SET', fence_key, ARGV[1]) end
end

-- The block that begins first (0) or last (-1): start, end, count, first, last; nil without one.
local function block_at(place)
  local found = redis.call('ZRANGE', index_key, place, place)[1]
  if not found then return nil end
  local start, stop, count, first, last = string.match(found, '^(%d+):(%d+):(%d+):(%d+):(%d+)$')
  if not start then return nil end
  return {start = tonumber(start), stop = tonumber(stop), count = tonumber(count),
          first = tonumber(first), last = tonumber(last)}
end

-- Where the halves meet; 0 without blocks.
local function boundary()
  local newest = block_at(-1)
  return newest and newest.stop or 0
end

local function sealed_count()
  return tonumber(redis.call('HGET', blocks_key, 'count') or '0') or 0
end

-- Counts the candles of all blocks anew, as the index tells of them.
local function recount()
  local sum = 0
  for _, entry in ipairs(redis.call('ZRANGE', index_key, 0, -1)) do
    sum = sum + tonumber(string.match(entry, '^%d+:%d+:(%d+):') or '0')
  end
  redis.call('HSET', blocks_key, 'count', string.format('%.0f', sum))
end

-- Enters a block anew, or takes it out with a count of 0; `more` candles than before.
local function enter(start, stop, count, first, last, more)
  redis.call('ZREMRANGEBYSCORE', index_key, start, start)
  if tonumber(count) > 0 then
    redis.call('ZADD', index_key, start, table.concat({start, stop, count, first, last}, ':'))
  end
  if redis.call('EXISTS', index_key) == 0 then
    redis.call('HDEL', blocks_key, 'count')
  else
    redis.call('HSET', blocks_key, 'count', string.format('%.0f', sealed_count() + more))
  end
end

local function server_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Keeps what was there before: entries of open time, old member, new member.
local function log_corrections(entries, by, kept)
  local now_ms = server_ms()
  for _, entry in ipairs(entries) do
    redis.call('LPUSH', corrections_key, '{"time":' .. entry[1] .. ',"old":' .. entry[2]
      .. ',"new":' .. entry[3] .. ',"at":' .. string.format('%.0f', now_ms)
      .. ',"by":' .. cjson.encode(by) .. '}')
  end
  if #entries > 0 then redis.call('LTRIM', corrections_key, 0, kept - 1) end
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

-- Says anew what both halves hold, with a new version if `has_changed` or if it had said otherwise.
-- Returns {previous, version, earliest, latest, count, candles in the ZSET}; times are -1 while
-- nothing is stored.
local function renew_meta(has_changed)
  local function time_of(...)
    local pair = redis.call(...)
    return pair[2] and math.floor(tonumber(pair[2])) or -1
  end
  local unsealed = redis.call('ZCARD', zset)
  local count = unsealed + sealed_count()
  local earliest = time_of('ZRANGEBYSCORE', zset, 0, TIME_MAX, 'WITHSCORES', 'LIMIT', 0, 1)
  local latest = time_of('ZREVRANGEBYSCORE', zset, TIME_MAX, 0, 'WITHSCORES', 'LIMIT', 0, 1)
  local oldest, newest = block_at(0), block_at(-1)
  if oldest and (earliest < 0 or oldest.first < earliest) then earliest = oldest.first end
  if newest and newest.last > latest then latest = newest.last end
  local meta = stored_meta()
  local previous, version = meta.version, meta.version
  local function known(value) return type(value) == 'number' and value or -1 end
  if has_changed or known(meta.earliest) ~= earliest
     or known(meta.latest) ~= latest or (meta.count or 0) ~= count then
    version = math.max(previous + 1, server_ms())
    local function shown(ms) return ms < 0 and 'null' or string.format('%.0f', ms) end
    redis.call('SET', meta_key,
      string.format('{"earliest":%s,"latest":%s,"count":%d,"version":%.0f}',
        shown(earliest), shown(latest), count, version))
  end
  return {previous, version, earliest, latest, count, unsealed}
end

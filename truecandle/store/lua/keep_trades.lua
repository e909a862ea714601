-- Keeps aggregate trades of one market behind those that are kept, and publishes them. What is kept
-- is one run of ids without a hole: where one is skipped, it begins anew behind it.
--
-- KEYS  1  agg_trades  STREAM  entry id = aggregate id and -1, field t = the row
--       2  fence       STRING  the newest fencing number of the feeds of this market
--       3  instance    STRING  the instance's identity
-- ARGV  1  fencing number of the feed that leads
--       2  how many are kept
--       3  how long they are kept after the last of them, in s
--       4  how the channel's name begins, without the identity
--       5  how it ends, behind the identity
--       6… rows as JSON, ids ascending: [aggregate id, "price", "quantity", first id, last id, time in
--          ms, time of the event in ms, whether the buyer was the maker]
-- Returns how many were new; -1 if another feed leads by now, and nothing was kept or published.
-- Errors  WRONGTYPE, MALFORMED: nothing was written.
--
-- Running twice with the same arguments changes and publishes nothing the second time.

local key, fence_key, instance_key = KEYS[1], KEYS[2], KEYS[3]
local fence, kept, ttl_s = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local FIRST = 6

local found = redis.call('TYPE', key)['ok']
if found ~= 'none' and found ~= 'stream' then
  return redis.error_reply('WRONGTYPE ' .. key .. ' is not a stream')
end
if fence < (tonumber(redis.call('GET', fence_key) or '0') or 0) then return -1 end

local function parse(row)
  local id, at_ms = string.match(row or '', '^%[(%d+),"[%d.]+","[%d.]+",%d+,%d+,(%d+),%d+,%l+%]$')
  if not id then return nil end
  return {text = id, id = tonumber(id), at_ms = tonumber(at_ms), row = row}
end

-- The newest that is kept; nil without any, or where it is none of ours.
local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
local last = newest and parse(newest[2][2])
if newest and not last then redis.call('DEL', key) end

-- Ids that begin anew are known by their time: a later trade with an id that has been.
local new, rows = {}, {}
local is_behind = true
for i = FIRST, #ARGV do
  local trade = parse(ARGV[i])
  if not trade then return redis.error_reply('MALFORMED ' .. ARGV[i]) end
  if is_behind and last and trade.id <= last.id and trade.at_ms <= last.at_ms then
    -- It is kept already.
  else
    is_behind = false
    new[#new + 1], rows[#rows + 1] = trade, trade.row
  end
end
if #new == 0 then return 0 end

for _, trade in ipairs(new) do
  if last and trade.id ~= last.id + 1 then redis.call('DEL', key) end
  redis.call('XADD', key, trade.text .. '-1', 't', trade.row)
  last = trade
end
redis.call('XTRIM', key, 'MAXLEN', kept)
redis.call('EXPIRE', key, ttl_s)

local identity = redis.call('GET', instance_key)
if identity then
  redis.call('PUBLISH', ARGV[4] .. identity .. ARGV[5], '[' .. table.concat(rows, ',') .. ']')
end
return #new

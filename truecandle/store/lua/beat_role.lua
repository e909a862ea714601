-- Notes a role's sign of life, at this server's time: the one clock that all who read it share.
--
-- KEYS  1  roles  HASH  role, or role@holder -> JSON {"at_ms","detail"}
-- ARGV  1  the entry's name
--       2  what the role says, as a JSON object
--       3  how long the hash lives, in s
--       4  how the entries of its other holders begin; empty: it has none
--       5  a holder that has been silent for so long, in ms, has ended without a word
-- Returns the time in ms.
-- Errors  WRONGTYPE: nothing was written.
--
-- Running twice notes it twice.

local time = redis.call('TIME')
local now_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[1], '{"at_ms":' .. now_ms .. ',"detail":' .. ARGV[2] .. '}')

local others, forgotten_ms = ARGV[4], tonumber(ARGV[5])
if others ~= '' then
  local entries = redis.call('HGETALL', KEYS[1])
  for i = 1, #entries, 2 do
    local at_ms = tonumber(string.match(entries[i + 1], '^{"at_ms":%s*(%d+)') or now_ms)
    if string.sub(entries[i], 1, #others) == others
      and math.abs(tonumber(now_ms) - at_ms) > forgotten_ms then
      redis.call('HDEL', KEYS[1], entries[i])
    end
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return now_ms

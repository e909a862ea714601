-- Shares the exchange's time: how far it is from this server's clock, which every process can ask.
--
-- KEYS  1  clock  STRING  {"offset_ms","count"}
-- ARGV  1  exchange time now, in ms, by whoever has measured it
--       2  how long the key lives, in s
-- Returns the offset in ms.
-- Errors  WRONGTYPE: nothing was written.
--
-- `count` grows with every call, so that readers can tell a new word from the same one read again,
-- whatever this server's clock does in between. Running twice says the same, once more.

local stored = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local offset_ms = tonumber(ARGV[1]) - (time[1] * 1000 + math.floor(time[2] / 1000))
local count = tonumber(string.match(stored or '', '"count":(%d+)') or '0')
redis.call('SET', KEYS[1], string.format('{"offset_ms":%.0f,"count":%.0f}', offset_ms, count + 1),
  'EX', ARGV[2])
return offset_ms

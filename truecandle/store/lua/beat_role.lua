-- Notes a role's sign of life, at this server's time: the one clock that all who read it share.
--
-- KEYS  1  roles  HASH  role, or role@holder -> JSON {"at_ms","detail"}
-- ARGV  1  the entry's name
--       2  what the role says, as a JSON object
--       3  how long the hash lives, in s
--       4… entries of holders that have ended without a word
-- Returns the time in ms.
-- Errors  WRONGTYPE: nothing was written.
--
-- Running twice notes it twice.

local time = redis.call('TIME')
local now_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[1], '{"at_ms":' .. now_ms .. ',"detail":' .. ARGV[2] .. '}')
for i = 4, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return now_ms

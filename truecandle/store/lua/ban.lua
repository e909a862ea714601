-- Remembers until when no request may leave. A ban is never shortened, except when it has ended.
--
-- KEYS  1  ban  STRING  exchange time in ms
-- ARGV  1  exchange time in ms until which the new ban holds
--       2  how long the key lives, in s
-- Returns the time in force. Running twice changes nothing the second time.

local stored = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
if stored >= tonumber(ARGV[1]) then return stored end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return tonumber(ARGV[1])

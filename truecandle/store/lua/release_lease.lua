-- Gives a lease up, if it is held by who asks.
--
-- KEYS  1  lease  STRING  {"holder","fence"}
-- ARGV  1  who asks
-- Returns 1 if it was given up, 0 if somebody else holds it or nobody.
-- Errors  WRONGTYPE: nothing was written.

local is_json, lease = pcall(cjson.decode, redis.call('GET', KEYS[1]) or '')
if not is_json or type(lease) ~= 'table' or lease.holder ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])

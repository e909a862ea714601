-- Replaces a user's settings, whole, unless there is no such user (any more).
--
-- KEYS  1  user:<name>      HASH  the account, read only
--       2  settings:<name>  HASH  text, version
-- ARGV  1  the settings as JSON
-- Returns the new version, 1 for the first; 0 if nothing was written.
-- Errors  WRONGTYPE: nothing was written.
-- Run twice, it writes the same under another version.

local account, settings = KEYS[1], KEYS[2]

if redis.call('EXISTS', account) == 0 then return 0 end
redis.call('HSET', settings, 'text', ARGV[1])
return redis.call('HINCRBY', settings, 'version', 1)

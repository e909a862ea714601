-- Replaces, makes or takes away one document of a user, if the version it replaces is the stored one.
--
-- KEYS  1  user:<name>    HASH  the account, read only
--       2  drawings:<name>, layouts:<name> or study_templates:<name>
--                         HASH  document -> "<version> <JSON>"; "" -> the last version that was given
-- ARGV  1  the document's name
--       2  the version that it replaces; 0: there is none
--       3  its JSON; empty: it is taken away
--       4  how many documents there may be
--       5  how many bytes of JSON all of them may have
-- Returns {outcome, version, JSON}: 'saved' with what is stored now, 'conflict' with what is stored
--         instead of that version, 'full' or 'large' at a bound, 'gone' if there is no such user (any
--         more). Version 0 and empty JSON: no such document.
-- Errors  WRONGTYPE: nothing was written.
-- Run twice, it answers the same and writes once.

local account, documents = KEYS[1], KEYS[2]
local name, replaced, text = ARGV[1], ARGV[2], ARGV[3]
local count_max, bytes_max = tonumber(ARGV[4]), tonumber(ARGV[5])

if redis.call('EXISTS', account) == 0 then return {'gone', '0', ''} end

local version, stored = string.match(redis.call('HGET', documents, name) or '', '^(%d+) (.*)$')
version, stored = version or '0', stored or ''

if stored == text then return {'saved', version, stored} end
if version ~= replaced then return {'conflict', version, stored} end
if text == '' then
  redis.call('HDEL', documents, name)
  return {'saved', '0', ''}
end

local count, bytes = 0, #text
for _, other in ipairs(redis.call('HKEYS', documents)) do
  if other ~= '' and other ~= name then
    count = count + 1
    bytes = bytes + redis.call('HSTRLEN', documents, other)
  end
end
if count >= count_max then return {'full', version, stored} end
if bytes > bytes_max then return {'large', version, stored} end

version = redis.call('HINCRBY', documents, '', 1)
redis.call('HSET', documents, name, version .. ' ' .. text)
return {'saved', tostring(version), text}

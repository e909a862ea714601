-- Takes a lease that is free, renews it for its holder, or says how long it lasts.
--
-- KEYS  1  lease  STRING  {"holder","fence"}, expires
--       2  fence  STRING  the newest fencing number of this lease; it outlives every holder
-- ARGV  1  who asks
--       2  how long the lease lasts, in ms; the same for all who ask
--       3  1 = take it if it is free, 0 = only renew it
-- Returns {fencing number, 0} if the lease is now held by who asks, else {0, ms it still lasts; 0 if
--          it is free}.
-- Errors  WRONGTYPE: nothing was written.
--
-- A number is never given out twice, not even after Redis lost its last seconds: it is no smaller
-- than the time. Running twice gives the same number the second time.

local lease_key, fence_key = KEYS[1], KEYS[2]
local holder, ttl_ms, may_take = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local FENCE_MAX = 2^53

local text = redis.call('GET', lease_key)
local stored = tonumber(redis.call('GET', fence_key) or '0') or 0
if stored < 0 or stored >= FENCE_MAX or stored % 1 ~= 0 then stored = 0 end

-- What is no lease of ours does not count: the fence protects the data in any case.
local is_json, lease = pcall(cjson.decode, text or '')
if not is_json or type(lease) ~= 'table' or type(lease.holder) ~= 'string' then lease = nil end

local function hold(fence)
  local number = string.format('%.0f', fence)
  redis.call('SET', lease_key, cjson.encode({holder = holder, fence = number}), 'PX', ttl_ms)
  if fence > stored then redis.call('SET', fence_key, number) end
  return {fence, 0}
end

if lease and lease.holder ~= holder then
  local left_ms = redis.call('PTTL', lease_key)
  -- Without an end, or with a clock set back, it would outlive its holder for long.
  if left_ms < 0 or left_ms > ttl_ms then
    redis.call('PEXPIRE', lease_key, ttl_ms)
    left_ms = ttl_ms
  end
  return {0, left_ms}
end

-- Ours, and nobody was in between: the same number goes on.
if lease and tonumber(lease.fence) == stored and stored > 0 then return hold(stored) end
if not may_take then return {0, 0} end

local time = redis.call('TIME')
return hold(math.max(stored + 1, time[1] * 1000 + math.floor(time[2] / 1000)))

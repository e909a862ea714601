-- Publishes messages on the channel of the instance that this database belongs to.
--
-- KEYS  1  instance  STRING  the instance's identity
-- ARGV  1  how the channel's name begins
--       2  the identity that is put there if there is none: what the caller knew, or a new one
--       3… messages, in their order; none: the channel is only asked for
-- Returns the channel's name.
-- Errors  WRONGTYPE: nothing was published.
--
-- Running twice publishes twice, which does no harm (events are hints); an identity, once made, stays.

local identity = redis.call('GET', KEYS[1])
if not identity then
  identity = ARGV[2]
  redis.call('SET', KEYS[1], identity)
end

local channel = ARGV[1] .. identity
for i = 3, #ARGV do redis.call('PUBLISH', channel, ARGV[i]) end
return channel

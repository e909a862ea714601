"""What each role may do in Redis: the one table from which its access control list is written.

A role that is broken into can then neither read what it has no use for nor empty the store.

Never here: passwords (`tools/redis_users`), the server's own settings.
Invariant: every key of ours has a role that may write it, and no role may do what none needs:
FLUSHALL, CONFIG, DEBUG, KEYS and the like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from truecandle.store import keys
from truecandle.store.channel import PREFIX

#: Every user of Redis: the three roles, whoever types `flask` commands, and a mirror that watches.
USERS: Final = ("web", "fetcher", "feed", "admin", "mirror")


@dataclass(frozen=True, slots=True)
class Permission:
    """`reads` and `writes` are patterns of keys (what may be written may be read), `commands` those
    that a role has beyond `COMMON`."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    commands: tuple[str, ...]


#: To connect, to ask what the server is and how it does, scripts and transactions.
COMMON: Final = (
    *("hello", "auth", "ping", "select", "reset", "client|setname", "info"),
    *("time", "eval", "evalsha", "script|load", "multi", "exec", "discard", "watch", "unwatch"),
    *("publish", "type", "exists", "ttl", "pttl", "expire", "pexpire", "del", "get", "set"),
    *("hget", "hgetall", "hmget", "hset", "hdel", "hlen", "hexists", "hvals", "hkeys", "hincrby"),
    *("zrange", "zcard", "zcount", "zrangebyscore", "zrevrangebyscore", "zadd", "lrange"),
    *("zremrangebyscore", "zremrangebyrank", "zrem"),
)
#: A script that saves a live candle looks there first. To Redis what a script is given may be
#: written by it.
_LOOKED_AT: Final = ("missing_z:*", f"fence:{keys.FEEDS}*")
_CANDLES: Final = ("klines_z:*", "klines_blocks:*", "klines_index:*", "klines_meta:*")
_OFFICIAL: Final = (*_CANDLES, "corrections:*", "gaps:*", "missing_z:*")
_LIVE: Final = ("live_candle:*", "own_candle:*", "pending_z:*")
#: Which markets are followed, wished for, and by whom.
_MARKETS: Final = (keys.MARKETS, "market_*")
#: Of the keys that begin so, those that are no user's.
_NOBODYS: Final = (
    *("market_answer:", "agg_trades:", "lease:", "fence:", "webhook_cursors:", "webhook_dead:"),
)
#: Aggregate trades, where they are kept: the feed writes them, the web role reads.
_TRADES: Final = "agg_trades:*"
#: How far receivers of webhooks are.
_WEBHOOKS: Final = ("webhook_cursors:*", "webhook_dead:*")
#: Everything that is somebody's: the web role alone has to do with it.
_ACCOUNTS: Final = (
    *(keys.USERS, keys.CREDENTIALS_VERSION),
    *(f"{head}*" for head in keys.OF_OTHERS if head not in _NOBODYS),
)
#: What the windows are made of that `limits` counts in, those that move among them.
_COUNTING: Final = ("incrby", "lindex", "llen", "lpop", "lpush", "ltrim")
#: What every role writes: that it is there, whether writes are taken, and the channel's identity.
_EVERYBODY: Final = (keys.INSTANCE, keys.ROLES, keys.WRITE_PROBE, keys.CLOCK)
_EXCHANGE: Final = (keys.WEIGHT, keys.BAN)
_FETCHED: Final = (
    *("audit:*", "held:*", "history_job:*", *_MARKETS),
    *(keys.LISTED, keys.LISTED_ASKED, keys.REREADS, keys.HISTORY_WISHES, keys.HISTORY_FIRSTS),
)

PERMISSIONS: Final[dict[str, Permission]] = {
    "web": Permission(
        reads=(
            *_OFFICIAL,
            *("audit:*", "held:*", "history_job:*", "lease:*", "fence:*", _TRADES),
            *(keys.LISTED, keys.HISTORY_FIRSTS, keys.FRESHNESS, keys.REREADS),
        ),
        writes=(
            *(*_LIVE, *_LOOKED_AT),
            *_ACCOUNTS,
            *_EVERYBODY,
            *(*_MARKETS, keys.HISTORY_WISHES, keys.LISTED_ASKED, f"{keys.COUNTERS}:*"),
        ),
        commands=(
            *("subscribe", "unsubscribe", "psubscribe", "punsubscribe", "getdel", "mget"),
            *("smembers", "sismember", "scard", "srandmember", "sadd", "srem", *_COUNTING),
            *("hstrlen", "xrange", "xrevrange"),
        ),
    ),
    "fetcher": Permission(
        reads=(keys.FRESHNESS,),
        writes=(
            *(*_OFFICIAL, *_LIVE, *_FETCHED, *_EVERYBODY, *_EXCHANGE),
            *(f"lease:{keys.LEADER}", f"fence:{keys.LEADER}", *_WEBHOOKS),
        ),
        commands=("smembers", "srandmember", "srem", "sadd", "lpush", "ltrim", "mget"),
    ),
    "feed": Permission(
        reads=(*_CANDLES, "gaps:*"),
        writes=(
            *(*_LIVE, *_LOOKED_AT, *_EVERYBODY, *_EXCHANGE, *_MARKETS, keys.FRESHNESS),
            *(f"lease:{keys.FEEDS}*", _TRADES),
        ),
        commands=("mget", "xadd", "xtrim", "xrange", "xrevrange"),
    ),
    "admin": Permission(
        reads=("*",),
        writes=(
            *(*_OFFICIAL, *_LIVE, *_FETCHED, *_ACCOUNTS, *_EVERYBODY, *_EXCHANGE, keys.FRESHNESS),
            *("lease:*", "fence:*", f"{keys.ASIDE}*", f"{keys.COUNTERS}:*", *_WEBHOOKS, _TRADES),
        ),
        commands=(
            *("scan", "smembers", "sismember", "scard", "srandmember", "sadd", "srem", "mget"),
            *("rpush", "lrem", "rename", "getrange", "pexpireat", "getdel", *_COUNTING),
        ),
    ),
    "mirror": Permission(
        reads=(*_CANDLES, "corrections:*", keys.MARKETS, keys.INSTANCE),
        writes=(),
        commands=("mget",),
    ),
}


def acl_line(user: str, password_sha256: str) -> str:
    """The line of an ACL file (Redis 7, Valkey) for this user, whose password has that hash."""
    granted = PERMISSIONS[user]
    patterns = [f"%R~{one}" for one in granted.reads] + [f"~{one}" for one in granted.writes]
    commands = [f"+{one}" for one in sorted({*COMMON, *granted.commands})]
    parts = ["user", user, "reset", "on", f"#{password_sha256}", *patterns, f"&{PREFIX}:*"]
    return " ".join([*parts, "-@all", *commands])

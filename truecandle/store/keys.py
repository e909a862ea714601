"""Every key of ours in Redis: its name, its type, how long it lives.

Never here: commands, values. Symbols and intervals come in as a checked `Series`.
Invariant: this is the only file that spells a key.
"""

from __future__ import annotations

from typing import Final

from truecandle.candles.series import Series

DAY_S: Final = 86_400

#: Live candles live on for so long after the end of their interval: longer than a market halts,
#: or the fetcher is away.
LIVE_MARGIN_S: Final = 7 * DAY_S
#: What was last known of the clock, the roles and the markets is said with its age for as long as
#: anybody may look for it: a role that ended days ago was not "never seen".
CLOCK_TTL_S: Final = 30 * DAY_S
ROLES_TTL_S: Final = 30 * DAY_S
FRESHNESS_TTL_S: Final = 30 * DAY_S
#: The exchange's list says of when it is. A week old, it still tells which markets there are.
LISTED_TTL_S: Final = 7 * DAY_S
LISTED_ASKED_TTL_S: Final = 20
#: Trades of a market that is followed no more, or whose trades are kept no more, go after this.
TRADES_TTL_S: Final = DAY_S
#: Request weights are forgotten after their window (60 s) and some slack.
WEIGHT_TTL_S: Final = 120
#: Nobody waits longer for a symbol to be looked up, or goes by an older answer.
WISHES_TTL_S: Final = 30
ANSWER_TTL_S: Final = 10
#: A wish for history lives on for so long after it was last renewed; the hash of all of them
#: somewhat longer.
HISTORY_WISH_MS: Final = 15_000
HISTORY_WISHES_TTL_S: Final = 60
#: Longer than any request of a job takes: what is not said again by then has nobody at work on it.
HISTORY_JOB_TTL_S: Final = 30
#: Longer than a one-time code is taken, early and late.
SPENT_CODE_TTL_S: Final = 300
#: Longer than the longest ban of the exchange (3 days).
BAN_TTL_S: Final = 4 * DAY_S

#: Whether writes are taken is tried with a key that is gone soon.
WRITE_PROBE_TTL_MS: Final = 10_000

#: What was no value of ours and is kept for a while in case somebody misses it.
ASIDE: Final = "aside:"
ASIDE_TTL_S: Final = 7 * DAY_S

#: How the names of the counters begin that `limits` keeps for `web/rate_limit`.
COUNTERS: Final = "limit"

#: How the keys of official candles begin: the newer ones, the older ones in blocks, and which
#: blocks there are.
KLINES: Final = "klines_z:"
BLOCKS: Final = "klines_blocks:"
INDEX: Final = "klines_index:"

#: STRING: the identity of the instance that this database belongs to; made once, never changed.
#: It carries our name, since any other application may call a key of its own `instance`.
INSTANCE: Final = "truecandle:instance"

#: Of a series' keys, those without which its candles cannot be looked at.
READ: Final = (KLINES, BLOCKS, INDEX, "klines_meta:")
#: Of those, where its candles are.
CANDLES: Final = (KLINES, BLOCKS, INDEX)
#: What Redis calls the values of keys that begin so and end in a series' name.
OF_SERIES: Final = {
    KLINES: "zset",
    BLOCKS: "hash",
    INDEX: "zset",
    "klines_meta:": "string",
    "corrections:": "list",
    "live_candle:": "string",
    "own_candle:": "string",
    "pending_z:": "zset",
    "audit:": "list",
    "gaps:": "hash",
    "missing_z:": "zset",
    "held:": "hash",
    "history_job:": "string",
}
#: The same of other keys that begin so, and of those that have just this name.
OF_OTHERS: Final = {
    "market_answer:": "string",
    "agg_trades:": "stream",
    "lease:": "string",
    "fence:": "string",
    "user:": "hash",
    "token:": "hash",
    "tokens:": "set",
    "session:": "hash",
    "sessions:": "set",
    "recovery:": "set",
    "spent_code:": "string",
    "link:": "string",
    "settings:": "hash",
    "drawings:": "hash",
    "layouts:": "hash",
    "study_templates:": "hash",
    "webhook_cursors:": "hash",
    "webhook_dead:": "list",
}
SINGLE: Final = {
    INSTANCE: "string",
    "roles": "hash",
    "clock": "string",
    "weight": "hash",
    "ban": "string",
    "markets": "hash",
    "market_followers": "hash",
    "market_wishes": "set",
    "exchange_list": "hash",
    "exchange_list_asked": "string",
    "users": "set",
    "rereads": "hash",
    "history_wishes": "hash",
    "history_firsts": "hash",
    "freshness": "hash",
    "write_probe": "string",
    "credentials_version": "string",
}

#: What a backup leaves out, besides what belongs to a series: what is made anew, or holds for
#: moments only. Every other key is in it, whatever keys there will be.
NOT_BACKED_UP: Final = frozenset(
    {
        *(
            "market_answer:",
            "agg_trades:",
            "lease:",
            "fence:",
            "session:",
            "sessions:",
            "link:",
            "spent_code:",
        ),
        *(INSTANCE, "roles", "clock", "weight", "ban", "market_wishes"),
        *("exchange_list", "exchange_list_asked"),
        *("rereads", "history_wishes", "history_firsts", "freshness", "write_probe"),
        *("credentials_version", "webhook_cursors:", "webhook_dead:"),
    }
)

#: HASH: role name -> JSON of its last sign of life.
ROLES: Final = "roles"
#: STRING JSON: the exchange clock's offset and when it was measured.
CLOCK: Final = "clock"
#: HASH: second -> request weight spent in it; `allowed` -> what the exchange allows in a minute.
WEIGHT: Final = "weight"
#: STRING: exchange time in ms until which no request may leave.
BAN: Final = "ban"
#: The lease of the fetcher that leads: of all of them, it alone writes official candles.
LEADER: Final = "fetcher"
#: STRING: the newest fencing number of that lease; writers with an older one are refused.
FENCE: Final = f"fence:{LEADER}"
#: How the leases of the feeds begin, one for each market: `feed:BTCUSDT`.
FEEDS: Final = "feed:"
#: HASH: symbol -> JSON of a followed market.
MARKETS: Final = "markets"
#: HASH: symbol -> name of the user who followed it; the first markets have none.
FOLLOWERS: Final = "market_followers"
#: SET, lives `WISHES_TTL_S`: symbols that the fetcher is asked to look up.
WISHES: Final = "market_wishes"
#: HASH, lives `LISTED_TTL_S`: when the exchange's whole list was read, and its rows as JSON,
#: one a line.
LISTED: Final = "exchange_list"
#: STRING, lives `LISTED_ASKED_TTL_S`: that somebody looks at that list.
LISTED_ASKED: Final = "exchange_list_asked"
#: HASH: series -> when its last days were last read again, in ms.
REREADS: Final = "rereads"
#: HASH, lives `HISTORY_WISHES_TTL_S`: series -> JSON of how far back its candles are wished for.
HISTORY_WISHES: Final = "history_wishes"
#: HASH: series -> open time in ms of the market's first candle, as the exchange has told it.
HISTORY_FIRSTS: Final = "history_firsts"
#: HASH: symbol -> JSON of what the leading feed last noted of it, for judging how fresh it is.
FRESHNESS: Final = "freshness"
#: STRING, lives `WRITE_PROBE_TTL_MS`: that the server took a write.
WRITE_PROBE: Final = "write_probe"
#: SET: names of all users.
USERS: Final = "users"
#: STRING: another text whenever a session, a token or an account ends, or is worth something else.
CREDENTIALS_VERSION: Final = "credentials_version"


def klines(series: Series) -> str:
    """ZSET: official candles, score = open time in ms, member = 12 fields as JSON. Those that are
    older than `klines_blocks` reaches lie there instead.
    """
    return f"{KLINES}{series.name}"


def blocks(series: Series) -> str:
    """HASH: where the span of a block begins in ms -> its candles (`store/block`); "count" -> how
    many candles all blocks hold.
    """
    return f"{BLOCKS}{series.name}"


def index(series: Series) -> str:
    """ZSET: the blocks, score = where the span begins in ms, member =
    `start:end:candles:first:last`, of which all but the candles are ms.
    """
    return f"{INDEX}{series.name}"


def meta(series: Series) -> str:
    """STRING JSON: `{"earliest","latest","count","version"}` of all official candles."""
    return f"klines_meta:{series.name}"


def corrections(series: Series) -> str:
    """LIST JSON, newest first: official candles that the exchange itself changed."""
    return f"corrections:{series.name}"


def live(series: Series) -> str:
    """STRING JSON, lives until its interval ends and `LIVE_MARGIN_S`: the forming candle."""
    return f"live_candle:{series.name}"


def feed_candle(series: Series) -> str:
    """STRING JSON, lives as that: our feed's candle while a browser's stands in for it."""
    return f"own_candle:{series.name}"


def pending(series: Series) -> str:
    """ZSET, lives `LIVE_MARGIN_S`: live candles that closed, score = open time in ms."""
    return f"pending_z:{series.name}"


def audit(series: Series) -> str:
    """LIST JSON, newest first: what was shown live against its official version."""
    return f"audit:{series.name}"


def gaps(series: Series) -> str:
    """HASH: first open time of a hole in ms -> JSON of its end and reason."""
    return f"gaps:{series.name}"


def missing(series: Series) -> str:
    """ZSET: the gaps above that are proven, score = first open time in ms, member = their end."""
    return f"missing_z:{series.name}"


def held(series: Series) -> str:
    """HASH: reason and first open time -> JSON of an answer that was not believed."""
    return f"held:{series.name}"


def history_job(series: Series) -> str:
    """STRING JSON, lives `HISTORY_JOB_TTL_S`: how far the fetching of older candles has come."""
    return f"history_job:{series.name}"


def answer(symbol: str) -> str:
    """STRING JSON, lives `ANSWER_TTL_S`: what the exchange said of a symbol that was wished for."""
    return f"market_answer:{symbol}"


def agg_trades(symbol: str) -> str:
    """STREAM, lives `TRADES_TTL_S`: the newest aggregate trades, if they are kept; entry
    `{aggregate id}-1`, field `t` = its row as JSON (`store/agg_trades`).
    """
    return f"agg_trades:{symbol}"


def lease(name: str) -> str:
    """STRING JSON, expires: who holds the lease of that name, and its fencing number."""
    return f"lease:{name}"


def fence(name: str) -> str:
    """STRING: the newest fencing number of the lease of that name."""
    return f"fence:{name}"


def user(name: str) -> str:
    """HASH: one account."""
    return f"user:{name}"


def settings(name: str) -> str:
    """HASH: a user's settings as JSON, and their version."""
    return f"settings:{name}"


def drawings(name: str) -> str:
    """HASH: symbol -> version and JSON of what a user has drawn on that market; "" -> the last
    version that was given to any.
    """
    return f"drawings:{name}"


def layouts(name: str) -> str:
    """HASH: name of a layout -> as that of drawings."""
    return f"layouts:{name}"


def study_templates(name: str) -> str:
    """HASH: name of a template -> as that of drawings."""
    return f"study_templates:{name}"


def token(digest: str) -> str:
    """HASH: an API token, found by the SHA-256 of its text."""
    return f"token:{digest}"


def tokens(name: str) -> str:
    """SET: digests of a user's tokens."""
    return f"tokens:{name}"


def session(digest: str) -> str:
    """HASH: a signed-in browser."""
    return f"session:{digest}"


def sessions(name: str) -> str:
    """SET: digests of a user's sessions; those that have ended are taken out when it is read."""
    return f"sessions:{name}"


def recovery(name: str) -> str:
    """SET: digests of a user's unused recovery codes."""
    return f"recovery:{name}"


def spent_code(digest: str) -> str:
    """STRING, lives `SPENT_CODE_TTL_S`: a one-time code that was used."""
    return f"spent_code:{digest}"


def link(digest: str) -> str:
    """STRING: the user that a one-time sign-in link stands for."""
    return f"link:{digest}"


def webhook_cursors(receiver: str) -> str:
    """HASH: series -> JSON of how far a receiver of webhooks is with it."""
    return f"webhook_cursors:{receiver}"


def webhook_dead(receiver: str) -> str:
    """LIST JSON, newest first: messages that a receiver would not take."""
    return f"webhook_dead:{receiver}"

"""What the roles count about themselves, in Prometheus' terms: every name and label, once.

Never here: HTTP, how values come about.
Invariant: labels come from small fixed sets, never from what a stranger sent.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter(
    "truecandle_http_requests", "Answers of the web role, by route and status.", ("route", "status")
)
SECONDS: Final = Histogram(
    "truecandle_http_seconds",
    "Time until an answer of the web role was ready.",
    ("route",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5),
)
SOCKETS: Final = Gauge("truecandle_sockets", "Browsers and programs connected to this web process.")
SOCKETS_CUT: Final = Counter(
    "truecandle_sockets_cut", "Connections that were cut off, by the bound exceeded.", ("why",)
)
EVENTS_DROPPED: Final = Counter(
    "truecandle_events_dropped",
    "Events that gave way in a slow reader's queue: to a newer one, a resync, or a close frame.",
    ("why",),
)
POSTS: Final = Counter(
    "truecandle_posts", "Forming candles offered by browsers, by outcome.", ("outcome",)
)
REDIS_UP: Final = Gauge("truecandle_redis_up", "1 if Redis answered when it was last asked.")
REDIS_PROBLEM: Final = Gauge(
    "truecandle_redis_problem",
    "1 while Redis has this problem: full, read_only, not_saving, evicting, accounts_lost, ...",
    ("state",),
)
ROLE_AGE: Final = Gauge(
    "truecandle_role_age_seconds", "Time since a role's last sign of life.", ("role",)
)
FRESHNESS: Final = Gauge(
    "truecandle_market_freshness", "Followed markets, by how fresh their data is.", ("state",)
)
FEEDS: Final = Gauge("truecandle_feeds", "Feed processes with a recent sign of life.")
FEED: Final = Gauge(
    "truecandle_feed",
    "What the feeds say of themselves, added up; of times (ms) the largest.",
    ("figure",),
)
#: Of a feed's sign of life, what is shown as `FEED`; parts of a part are joined by `_`.
FEED_FIGURES: Final = (
    *("leads", "waiting", "lost", "told", "fenced", "trades", "klines", "closed", "inexact"),
    *("contradictions", "lag_ms_p50", "lag_ms_p99", "lag_max_ms"),
    *("sent_ms_p50", "sent_ms_p99", "sent_max_ms"),
    *("connects", "failures", "stalls", "renewals", "malformed"),
    *("recovery_asked", "recovery_failed", "recovery_trades", "recovery_candles"),
    *("recovery_odd", "recovery_gave_up", "recovery_holes", "recovery_longest_ms"),
)

"""What the roles count about themselves, in Prometheus' terms: every name and label, once.

The web role alone is asked. What it counts itself stands first; what fetcher and feeds say of
themselves in their signs of life (`store/roles`) is shown from there, by `RoleFigures`.

Never here: HTTP, how values come about.
Invariant: labels come from small fixed sets, never from what a stranger sent. Names have the form
that Prometheus asks for: base units, `_total` on what only grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any, Final, NamedTuple

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from truecandle.candles.interval import INTERVALS

REQUESTS: Final = Counter(
    "truecandle_http_requests", "Answers of the web role, by route and status.", ("route", "status")
)
SECONDS: Final = Histogram(
    "truecandle_http_request_duration_seconds",
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
QUEUE_LENGTH: Final = Gauge(
    "truecandle_queue_length",
    "What waits in this web process: frames for slow browsers, passwords to be hashed.",
    ("queue",),
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
    "truecandle_role_age_seconds", "Time without a sign of life of a role.", ("role",)
)
FRESHNESS: Final = Gauge(
    "truecandle_market_freshness", "Followed markets, by how fresh their data is.", ("state",)
)
#: Of each role by itself; there are none without tracing.
SPANS: Final = Counter(
    "truecandle_web_spans", "Spans of traces, sent or lost on the way.", ("outcome",)
)
FEEDS: Final = Gauge("truecandle_feeds", "Feed processes with a recent sign of life.")

#: How long after the end of its interval a candle became official: the bounds of the histogram.
LATENESS_BOUNDS_S: Final = (1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 300.0)
LATENESS: Final = "truecandle_official_delay_seconds"


class LatenessCounts:
    """A histogram as it goes through a sign of life: how many values lie up to each bound and
    above the one before, those above all bounds last, and their sum."""

    def __init__(self) -> None:
        self._counts = [0] * (len(LATENESS_BOUNDS_S) + 1)
        self._sum_s = 0.0

    def observe(self, late_s: float) -> None:
        place = sum(late_s > bound_s for bound_s in LATENESS_BOUNDS_S)
        self._counts[place] += 1
        self._sum_s += late_s

    def fields(self) -> dict[str, object]:
        return {"counts": list(self._counts), "sum_s": round(self._sum_s, 3)}


class Figure(NamedTuple):
    """A number of a sign of life, by its name there (parts of a part are joined by `_`), and the
    metric that shows it. What ends in `_seconds` is said in ms."""

    said: str
    metric: str
    help: str
    label: tuple[str, str] | None = None


_SPANS: Final = "Spans of traces, sent or lost on the way."
_LAG: Final = "From the exchange's event to the candle in a feed, since its sign of life before."
_SENT: Final = "From a trade to Redis' having it, since a feed's sign of life before."
#: Of several feeds the sums; of times the largest.
FEED_FIGURES: Final = (
    Figure("leads", "truecandle_feed_markets_led", "Markets that a feed leads."),
    Figure("waiting", "truecandle_feed_queue_length", "Events that wait to become candles."),
    Figure("lost", "truecandle_feed_events_lost_total", "Events that the full queue dropped."),
    Figure("trades", "truecandle_feed_events_total", "What came by streams.", ("kind", "trade")),
    Figure("klines", "truecandle_feed_events_total", "What came by streams.", ("kind", "kline")),
    Figure("told", "truecandle_feed_published_total", "Events published for browsers."),
    Figure("fenced", "truecandle_feed_writes_fenced_total", "Writes of feeds that lead no more."),
    Figure("closed", "truecandle_feed_candles_closed_total", "Live candles that closed."),
    Figure("inexact", "truecandle_feed_candles_inexact_total", "Those not proven exact in time."),
    Figure("contradictions", "truecandle_feed_contradictions_total", "Trades and klines at odds."),
    Figure("lag_ms_p50", "truecandle_feed_lag_seconds", _LAG, ("quantile", "0.5")),
    Figure("lag_ms_p99", "truecandle_feed_lag_seconds", _LAG, ("quantile", "0.99")),
    Figure("lag_max_ms", "truecandle_feed_lag_seconds", _LAG, ("quantile", "1")),
    Figure("sent_ms_p50", "truecandle_feed_sent_lag_seconds", _SENT, ("quantile", "0.5")),
    Figure("sent_ms_p99", "truecandle_feed_sent_lag_seconds", _SENT, ("quantile", "0.99")),
    Figure("sent_max_ms", "truecandle_feed_sent_lag_seconds", _SENT, ("quantile", "1")),
    Figure("passed_on_published", "truecandle_feed_trades_kept_total", "Trades kept, passed on."),
    Figure("passed_on_fenced", "truecandle_feed_trades_fenced_total", "Those of a former leader."),
    Figure("passed_on_dropped", "truecandle_feed_trades_dropped_total", "Too many to wait."),
    Figure("passed_on_holes", "truecandle_feed_trade_holes_total", "Holes passed over."),
    Figure("passed_on_waiting", "truecandle_feed_trades_waiting", "Trades that wait for Redis."),
    Figure("connects", "truecandle_stream_connects_total", "Connections of streams opened."),
    Figure("failures", "truecandle_stream_failures_total", "Connections of streams that failed."),
    Figure("stalls", "truecandle_stream_stalls_total", "Connections of streams gone silent."),
    Figure("renewals", "truecandle_stream_renewals_total", "Connections replaced in time."),
    Figure("malformed", "truecandle_stream_malformed_total", "Messages that were dropped."),
    Figure("recovery_asked", "truecandle_recovery_requests_total", "Requests for lost trades."),
    Figure("recovery_failed", "truecandle_recovery_requests_failed_total", "Those that failed."),
    Figure("recovery_trades", "truecandle_recovery_trades_total", "Lost trades recovered."),
    Figure("recovery_candles", "truecandle_recovery_candles_total", "Candles they belong to."),
    Figure("recovery_odd", "truecandle_recovery_odd_total", "Answers that did not fit."),
    Figure("recovery_gave_up", "truecandle_recovery_abandoned_total", "Searches given up."),
    Figure("recovery_holes", "truecandle_recovery_holes", "Holes among trades at this moment."),
    Figure(
        "recovery_longest_ms", "truecandle_recovery_longest_seconds", "The longest outage bridged."
    ),
    Figure("spans_sent", "truecandle_feed_spans_total", _SPANS, ("outcome", "sent")),
    Figure("spans_lost", "truecandle_feed_spans_total", _SPANS, ("outcome", "lost")),
)
_GAPS: Final = "Holes that are known among official candles, by reason."
#: Of the fetcher that leads.
FETCHER_FIGURES: Final = (
    Figure("counts_added", "truecandle_official_added_total", "Official candles stored."),
    Figure(
        "counts_corrected", "truecandle_official_corrections_total", "Those the exchange changed."
    ),
    Figure("counts_healed", "truecandle_official_healed_total", "Damaged ones put right."),
    Figure(
        "counts_rows refused", "truecandle_official_rows_refused_total", "Rows that are no candles."
    ),
    Figure(
        "counts_answers held", "truecandle_official_answers_held_total", "Answers not believed."
    ),
    *(
        Figure(f"gaps_{reason}", "truecandle_official_gaps", _GAPS, ("reason", reason))
        for reason in ("maintenance", "not_listed", "delisted", "fetch_failed", "unproven")
    ),
    Figure("weight_used", "truecandle_request_weight", "Request weight taken in a minute."),
    Figure("weight_limit", "truecandle_request_weight_limit", "The most that is taken of it."),
    Figure("ban_ms", "truecandle_exchange_ban_seconds", "How long no request may leave yet."),
    Figure("webhooks_delivered", "truecandle_webhook_delivered_total", "Messages taken."),
    Figure("webhooks_failed", "truecandle_webhook_failures_total", "Those not taken, each time."),
    Figure("webhooks_dead", "truecandle_webhook_dead_total", "Those given up."),
    Figure("webhooks_waiting", "truecandle_webhook_series_waiting", "Series not wholly told."),
    Figure("spans_sent", "truecandle_fetcher_spans_total", _SPANS, ("outcome", "sent")),
    Figure("spans_lost", "truecandle_fetcher_spans_total", _SPANS, ("outcome", "lost")),
    Figure("markets", "truecandle_fetcher_markets", "Markets that the fetcher reads."),
    Figure("failing_count", "truecandle_fetcher_markets_failing", "Those whose reading fails."),
    Figure(
        "read_ms",
        "truecandle_fetcher_last_read_timestamp_seconds",
        "When a market was last read, by the exchange's clock.",
    ),
    Figure(
        "clock_offset_ms",
        "truecandle_exchange_clock_offset_seconds",
        "The exchange's clock less this machine's.",
    ),
)


class RoleFigures:
    """A collector for prometheus_client: `fetcher` and `feeds` are the signs of life that count."""

    def __init__(
        self, fetcher: Mapping[str, Any] | None, feeds: Sequence[Mapping[str, Any]]
    ) -> None:
        self._fetcher = fetcher
        self._feeds = feeds

    def collect(self) -> Iterator[Metric]:
        yield from _families(FEED_FIGURES, [flat(one) for one in self._feeds])
        if self._fetcher is not None:
            yield from _families(FETCHER_FIGURES, [flat(self._fetcher)])
            yield _lateness(self._fetcher.get("lateness"))


def flat(detail: Mapping[str, Any]) -> dict[str, float]:
    """The numbers in a sign of life; those of an object inside by both names."""
    found = {}
    for name, value in detail.items():
        inner = value.items() if isinstance(value, dict) else ()
        for inside, number in (("", value), *inner):
            if isinstance(number, int | float) and not isinstance(number, bool):
                found[f"{name}_{inside}" if inside else name] = float(number)
    return found


def _families(figures: Sequence[Figure], said: Sequence[Mapping[str, float]]) -> Iterator[Metric]:
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for figure in figures:
        values = [one[figure.said] for one in said if figure.said in one]
        if not values:
            continue
        family = families.get(figure.metric) or families.setdefault(figure.metric, _new(figure))
        is_time = figure.metric.endswith("_seconds")
        value = max(values) / 1000 if is_time else sum(values)
        family.add_metric([figure.label[1]] if figure.label else [], value)
    yield from families.values()


def _new(figure: Figure) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if figure.metric.endswith("_total") else GaugeMetricFamily
    return kind(figure.metric, figure.help, labels=[figure.label[0]] if figure.label else [])


def _lateness(said: Any) -> Metric:
    what = "How long after the end of its interval a candle became official, by interval."
    family = HistogramMetricFamily(LATENESS, what, labels=["interval"])
    bounds = [*map(str, LATENESS_BOUNDS_S), "+Inf"]
    for interval in INTERVALS if isinstance(said, dict) else ():
        with suppress(LookupError, TypeError, ValueError):
            counts, sum_s = said[interval]["counts"], float(said[interval]["sum_s"])
            buckets = list(zip(bounds, accumulate(map(int, counts)), strict=True))
            family.add_metric([interval], buckets, sum_s)
    return family

"""`GET /audit`: the live chart against the truth, as a script reads it.

Never here: the arithmetic (`tests/candles/test_audit.py`), the fetcher.
Invariant: numbers are compared as text, not as floats.
"""

from __future__ import annotations

import json
from typing import Any

from redis import Redis

from tests.support.hourly_candles import entry
from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, Browser, issue
from truecandle.candles.instrument import Instrument
from truecandle.store import audit, keys, markets

PATH = "/audit?symbol=BTCUSDT&interval=1h"


def asked(ann: Browser, more: str = "") -> dict[str, Any]:
    answer = ann.get(PATH + more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    found: dict[str, Any] = json.loads(answer.text, parse_float=str)
    return found


def test_an_audit_without_candles_says_that_nothing_is_known(ann: Browser) -> None:
    found = asked(ann)
    assert (found["count"], found["candles"]) == (0, [])
    assert found["tick"] is found["summary"]["exact_share"] is found["summary"]["worst_ms"] is None
    assert found["summary"]["shown"] == found["summary"]["never_shown"] == 0


def test_each_candle_is_listed_with_both_versions_newest_first(ann: Browser, redis: Redis) -> None:
    audit.record(redis, HOURLY, [entry(2), entry(1, "42050.04", 3_500), entry(0, None)])
    newest, wrong, exact = asked(ann)["candles"]
    assert [one["time"] for one in (exact, wrong, newest)] == [entry(n).open_ms for n in (2, 1, 0)]
    assert (exact["exact"], wrong["exact"], newest["exact"]) == (True, False, None)
    assert wrong["differing"] == ["close"]
    assert (wrong["late_ms"], wrong["at"]) == (3_500, FORMING_MS - HOUR_MS + 3_500)
    assert (wrong["shown"]["close"], wrong["official"]["close"]) == ("42050.04", "42050.01")
    assert (wrong["shown"]["source"], wrong["official"]["trades"]) == ("live", 7)
    assert newest["shown"] is None


def test_the_summary_counts_what_was_never_shown_apart(ann: Browser, redis: Redis) -> None:
    entries = [entry(4), entry(3), entry(2), entry(1, "42050.04", 3_600), entry(0, None, 90_000)]
    audit.record(redis, HOURLY, entries)
    found = asked(ann)
    told = found["summary"]
    assert (told["shown"], told["exact"], told["never_shown"]) == (4, 3, 1)
    assert (told["exact_share"], told["median_ms"], told["worst_ms"]) == ("0.75", 3_000, 3_600)
    assert (found["tick"], found["tick_source"]) == ("0.01", "official prices")
    assert (found["step"], found["step_source"]) == ("0.00001", "official volumes")
    close = told["fields"]["close"]
    assert (close["differing"], close["largest_ticks"], close["median_ticks"]) == (1, 3, 0)
    assert (close["largest_bp"], close["median_bp"]) == ("0.007134", 0)
    assert told["fields"]["volume"]["differing"] == 0


def test_differences_count_in_the_ticks_that_the_exchange_lists(ann: Browser, redis: Redis) -> None:
    audit.record(redis, HOURLY, [entry(1, "42050.51")])
    listing = Instrument("BTCUSDT", "TRADING", tick_size="0.5", step_size="0.001")
    markets.update(redis, [markets.FollowedMarket(listing)])
    found = asked(ann)
    assert (found["tick"], found["tick_source"]) == ("0.5", "exchange")
    assert (found["step"], found["step_source"]) == ("0.001", "exchange")
    assert found["summary"]["fields"]["close"]["largest_ticks"] == 1


def test_the_limit_bounds_the_list_and_not_the_summary(ann: Browser, redis: Redis) -> None:
    audit.record(redis, HOURLY, [entry(n) for n in range(150, 0, -1)])
    assert asked(ann)["count"] == 100
    found = asked(ann, "&limit=2")
    assert [one["time"] for one in found["candles"]] == [entry(1).open_ms, entry(2).open_ms]
    assert found["summary"]["shown"] == 150
    assert asked(ann, "&limit=1000")["count"] == 150


def test_junk_in_the_list_is_skipped(ann: Browser, redis: Redis) -> None:
    audit.record(redis, HOURLY, [entry(1)])
    redis.lpush(keys.audit(HOURLY), "{", b"\xff", '{"time":1}')
    assert asked(ann)["count"] == 1


def test_a_token_that_may_only_read_reads_it(ann: Browser, redis: Redis) -> None:
    answer = Browser(ann.client.application).get(PATH, **issue(redis))
    assert answer.status_code == 200

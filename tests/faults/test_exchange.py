"""What the exchange can do wrong over REST, and that no candle pays for it."""

from __future__ import annotations

import random
import resource
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py

from tests.support.driven_fetcher import MINUTES, NOW_MS, Desk, opens
from tests.support.waiting import HANGS_S
from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rest.client import RestClient
from truecandle.candles.interval import MINUTE_MS
from truecandle.candles.series import Series
from truecandle.errors import (
    ExchangeError,
    ExchangeRefused,
    ExchangeUnreachable,
    MalformedAnswer,
    RateLimited,
)
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store.budget import Budget


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def desk(sim: SimServer, redis: redis_py.Redis, redis_url: str) -> Desk:
    return Desk(sim, redis, redis_url)


@pytest.mark.parametrize("status", [429, 418])
def test_a_limit_silences_every_process_until_it_ends(desk: Desk, status: int) -> None:
    kind = "rate_limit" if status == 429 else "ban"
    desk.sim.faults.add(kind, path="klines", retry_after="120", hold=0)
    with pytest.raises(RateLimited) as caught:
        desk.sync.refresh(MINUTES)
    assert (caught.value.status, caught.value.retry_after_ms) == (status, 120_000)
    # Another process, or this one after a restart:
    other = RestClient(desk.sim.rest_url, Budget(desk.redis), now_ms=desk.sim.clock.now_ms)
    for seconds in (0, 60, 119):
        desk.sim.clock.set(NOW_MS + seconds * 1_000)
        for client in (desk.rest, other):
            with pytest.raises(RateLimited):
                client.server_time()
    assert len(desk.sim.requests()) == 1
    desk.sim.clock.set(NOW_MS + 120_000)
    other.server_time()
    assert desk.sync.refresh(MINUTES).has_arrived
    other.close()


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("3", 3), ("0", 1), (None, 60), ("soon", 60), ("-5", 60), ("1000000000", 259_200),
        ("Thu, 08 Aug 2024 12:01:00 GMT", 60), ("9" * 400, 60), ("٣", 60),
    ],
)  # fmt: skip
def test_a_limit_is_kept_however_oddly_it_is_told(
    desk: Desk, header: str | None, wait_s: int
) -> None:
    headers = {"Retry-After": header} if header and header.isascii() else {}
    desk.sim.faults.add("status", status=429, body="{}", headers=headers)
    with pytest.raises(RateLimited) as caught:
        desk.sync.refresh(MINUTES)
    assert caught.value.retry_after_ms == wait_s * 1_000
    assert desk.budget.banned_until_ms() == NOW_MS + wait_s * 1_000


def test_the_end_of_a_ban_is_read_from_its_text(desk: Desk) -> None:
    until_ms = NOW_MS + 360_000
    text = f'{{"code":-1003,"msg":"Way too much request weight used; IP banned until {until_ms}."}}'
    desk.sim.faults.add("status", status=418, body=text)
    with pytest.raises(RateLimited):
        desk.sync.refresh(MINUTES)
    assert desk.budget.banned_until_ms() == until_ms


def test_a_firewall_is_left_alone_for_a_minute(desk: Desk) -> None:
    desk.sim.faults.add("forbidden")
    with pytest.raises(RateLimited) as caught:
        desk.sync.refresh(MINUTES)
    assert caught.value.retry_after_ms >= 60_000


def test_a_place_without_service_is_refused_and_asked_again_rarely(desk: Desk) -> None:
    desk.sim.faults.add("restricted")
    with pytest.raises(ExchangeRefused) as caught:
        desk.sync.refresh(MINUTES)
    assert caught.value.status == 451
    with pytest.raises(RateLimited):
        desk.sync.refresh(MINUTES)
    assert len(desk.asked()) == 1


FAULTS: list[tuple[str, dict[str, Any], type[ExchangeError]]] = [
    ("server_error", {"status": 500}, ExchangeUnreachable),
    ("server_error", {"status": 502}, ExchangeUnreachable),
    ("server_error", {"status": 503}, ExchangeUnreachable),
    ("server_error", {"status": 504, "body": "[]"}, ExchangeUnreachable),
    ("html", {}, MalformedAnswer),
    ("error_200", {"code": -1121}, ExchangeRefused),
    ("error_200", {"code": -1003, "msg": "limit"}, ExchangeRefused),
    ("redirect", {}, MalformedAnswer),
    ("truncate", {}, MalformedAnswer),
    ("cut", {"at": 100}, ExchangeUnreachable),
    ("cut", {"at": 0}, ExchangeUnreachable),
    ("cut", {"at": 5_000, "reset": True}, ExchangeUnreachable),
    ("huge", {"mb": 6}, MalformedAnswer),
    ("huge", {"mb": 100, "gzip": True}, MalformedAnswer),
    ("conflict", {}, MalformedAnswer),
    ("status", {"status": 200, "body": "[1,2]"}, MalformedAnswer),
    ("status", {"status": 200, "body": '{"rows":[]}'}, MalformedAnswer),
    ("status", {"status": 200, "body": "[" * 100_000}, MalformedAnswer),
    ("status", {"status": 204, "body": ""}, MalformedAnswer),
    ("status", {"status": 400, "body": '{"code":-1120,"msg":"No."}'}, ExchangeRefused),
    ("status", {"status": 404, "body": "nothing"}, ExchangeRefused),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "expected"), FAULTS)
def test_a_broken_answer_stores_nothing_and_the_next_one_all(
    desk: Desk, kind: str, options: dict[str, Any], expected: type[ExchangeError]
) -> None:
    desk.sim.faults.add(kind, path="klines", **options)
    with pytest.raises(expected):
        desk.sync.refresh(MINUTES)
    assert desk.stored(MINUTES) == []
    assert desk.sync.refresh(MINUTES).has_arrived
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    desk.check(MINUTES)


def test_an_answer_cut_anywhere_is_discarded_whole(desk: Desk) -> None:
    dice = random.Random(7)
    for _ in range(60):
        desk.sim.faults.add(
            "cut", path="klines", at=dice.randrange(0, 14_000), reset=dice.random() < 0.5
        )
        with pytest.raises(ExchangeError):
            desk.sync.refresh(MINUTES)
    assert desk.stored(MINUTES) == []


NO_NUMBERS: list[Any] = ["NaN", "", None, -1, "-1", "1e3", "Infinity", True, [], "9" * 40]
ROWS: list[tuple[str, dict[str, Any], int]] = [
    ("duplicate", {}, 0),
    ("shuffle", {}, 0),
    ("value", {"field": 4, "value": "99999999"}, 1),
    ("value", {"field": 0, "value": "soon"}, 1),
    ("value", {"field": 0, "value": 2**60}, 1),
    ("value", {"field": 6, "value": None}, 1),
    ("crossed", {}, 1),
    ("columns", {"columns": 11}, 100),
    ("columns", {"columns": 13}, 100),
    ("microseconds", {}, 100),
    ("misaligned", {"ms": 14_789}, 100),
    *[("value", {"field": f, "value": v}, 1) for f in (1, 2, 3, 4, 5, 8) for v in NO_NUMBERS],
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "lost"), ROWS)
def test_of_odd_rows_the_broken_are_refused_and_the_others_stored(
    desk: Desk, kind: str, options: dict[str, Any], lost: int
) -> None:
    desk.sim.faults.add(kind, path="klines", **options)
    desk.sync.refresh(MINUTES)
    truth = desk.truth(MINUTES, 100)
    found = desk.stored(MINUTES)
    assert len(found) == 100 - lost
    assert set(found) <= set(truth)
    counts = desk.sync.writer.counts
    assert counts["rows refused"] + counts["rows not asked for"] == lost
    desk.check(MINUTES)


def test_contradicting_rows_refuse_the_answer_and_are_counted(desk: Desk) -> None:
    desk.sim.faults.add("conflict")
    with pytest.raises(MalformedAnswer):
        desk.sync.refresh(MINUTES)
    assert desk.sync.writer.counts["answers that contradict themselves"] == 1


def test_an_empty_answer_is_legal_and_costs_one_request(desk: Desk) -> None:
    desk.sim.faults.add("empty")
    assert not desk.sync.refresh(MINUTES).has_arrived
    assert len(desk.asked()) == 1


def test_a_page_that_repeats_itself_does_not_go_on_for_ever(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=20_000)
    body = b'[[1700000000000,"1","1","1","1","1",1700000059999,"1",1,"1","1","0"]]'
    sim.faults.add("status", count=None, status=200, body=body.decode())
    desk.sync.fill(MINUTES)
    desk.sync.fill(MINUTES)
    assert len(desk.asked()) <= 20 + 3
    assert desk.stored(MINUTES) == []


def test_no_open_candle_is_ever_stored_whatever_the_phase(desk: Desk) -> None:
    dice = random.Random(11)
    for _ in range(150):
        desk.sim.clock.advance(dice.randrange(1, 90_000))
        desk.sync.refresh(MINUTES)
        newest = opens(desk.stored(MINUTES))[-1]
        assert newest + MINUTE_MS + 3_000 <= desk.sim.clock.now_ms()
    assert desk.stored(MINUTES)[-100:] == desk.truth(MINUTES, 100)


@pytest.mark.parametrize("skew_ms", [-300_000, -5_000, 5_000, 300_000, 86_400_000])
def test_a_wrong_clock_of_the_machine_closes_nothing_early_or_late(
    sim: SimServer, redis: redis_py.Redis, redis_url: str, skew_ms: int
) -> None:
    desk = Desk(sim, redis, redis_url)
    clock = ExchangeClock(wall_ms=lambda: sim.clock.now_ms() + skew_ms)
    desk.rest._now_ms = desk.sync._now_ms = desk.sync.writer._now_ms = clock.now_ms
    clock.measure(desk.rest)
    assert abs(clock.now_ms() - sim.clock.now_ms()) < 1_000
    desk.sync.refresh(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)


def test_a_candle_that_still_changes_after_its_close_ends_as_the_truth(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.sim.clock.set(NOW_MS - NOW_MS % MINUTE_MS + MINUTE_MS + 3_000)
    desk.sim.faults.add("stale", path="klines", lag_ms=10_000)
    desk.sync.refresh(MINUTES)
    desk.sim.clock.advance(15_000)
    desk.sync.refresh(MINUTES)
    assert desk.stored(MINUTES)[-100:] == desk.truth(MINUTES, 100)


def test_a_candle_that_comes_late_is_said_to_be_missing_until_it_is_there(desk: Desk) -> None:
    desk.sim.faults.add("absent", count=2, lag_ms=30_000)
    assert not desk.sync.refresh(MINUTES).has_arrived
    assert not desk.sync.refresh(MINUTES).has_arrived
    assert desk.sync.refresh(MINUTES).has_arrived


def test_an_answer_that_drips_is_cut_at_the_deadline(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, deadline_s=0.4)
    sim.faults.add("drip", bytes_per_s=20)
    began_s = time.monotonic()
    with pytest.raises(ExchangeUnreachable, match="in time"):
        desk.sync.refresh(MINUTES)
    assert time.monotonic() - began_s < HANGS_S
    assert desk.stored(MINUTES) == []


def test_a_bomb_of_a_hundred_megabytes_costs_little_memory(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    desk.sim.faults.add("huge", mb=20, gzip=True)
    with pytest.raises(MalformedAnswer):
        desk.sync.refresh(MINUTES)
    # The simulator lives in this process too, and holds what it sends.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 60_000


def test_a_symbol_cannot_lead_anywhere_else(desk: Desk) -> None:
    for symbol in (
        "../../time",
        "BTCUSDT&interval=1h",
        "@169.254.169.254",
        "BTC\r\nX: 1",
        "币安人生USDT",
    ):
        with pytest.raises(ExchangeRefused):
            desk.rest.klines(symbol, "1m")
    assert {request["path"] for request in desk.sim.requests()} == {"/api/v3/klines"}


def test_weight_used_by_others_at_this_address_is_left_to_them(desk: Desk) -> None:
    desk.budget.take(4_790, NOW_MS)
    for _ in range(5):
        desk.rest.server_time()
    asked = len(desk.sim.requests())
    with pytest.raises(RateLimited):
        for _ in range(20):
            desk.sync.refresh(MINUTES)
    assert len(desk.sim.requests()) - asked <= 3
    desk.sim.clock.advance(62_000)
    assert desk.sync.refresh(MINUTES).has_arrived


def test_history_leaves_weight_to_candles_that_have_just_closed(desk: Desk) -> None:
    deep = RestClient(
        desk.sim.rest_url, desk.budget, reserve=1_800, now_ms=desk.sim.clock.now_ms,
        sleep=desk.sleeps.append,
    )  # fmt: skip
    desk.budget.take(3_000, NOW_MS)
    with pytest.raises(RateLimited):
        deep.klines("BTCUSDT", "1m")
    assert desk.sync.refresh(MINUTES).has_arrived
    deep.close()


def test_closing_the_client_ends_a_request_under_way(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url)
    sim.faults.add("timeout", seconds=60)
    threading.Timer(0.2, desk.rest.close).start()
    began_s = time.monotonic()
    with pytest.raises(ExchangeUnreachable):
        desk.sync.refresh(MINUTES)
    assert time.monotonic() - began_s < HANGS_S
    with pytest.raises(ExchangeUnreachable):
        desk.rest.server_time()


def test_an_unknown_symbol_is_refused_by_its_name(desk: Desk) -> None:
    with pytest.raises(ExchangeRefused) as caught:
        desk.sync.refresh(Series("NOPEUSDT", MINUTES.interval))
    assert (caught.value.status, caught.value.code) == (400, -1121)

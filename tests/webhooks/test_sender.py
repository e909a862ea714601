"""Telling a receiver: refusals, silence, redirects, another fetcher, and what was given up.

Never here: what there is to tell (`test_changes`), whole processes (`tests/faults/test_operating`).
Invariant: the receiver is a real server on a real socket; only the clock that pauses are counted by
is the test's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from tests.support.flask_commands import Shell
from tests.support.loopback_ports import free_port
from tests.support.official_store import upsert
from tests.support.sample_candles import START_MS, row, rows
from tests.support.webhook_receiver import SECRET, Told, WebhookReceiver
from truecandle.candles.interval import HOUR_MS, INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.store import official, webhooks
from truecandle.webhooks.receiver import Receiver, name_of
from truecandle.webhooks.sender import ATTEMPTS_MAX, PAUSE_S_MAX, WebhookSender

ETH = Series("ETHUSDT", INTERVALS["1h"])


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running
    assert running.wrong == []


class Driven:
    """A sender that looks when the test says so, at a time of the test's."""

    def __init__(self, redis: Redis, url: str, **settings: tuple[str, ...]) -> None:
        given = {"symbols": ("BTCUSDT", "ETHUSDT"), "intervals": ("1h",), **settings}
        self.settings = Settings(webhook_urls=(url,), webhook_secret=SECRET, **given)  # type: ignore[arg-type]
        self.now_s, self.is_leading = 0.0, True
        self.sender = WebhookSender(
            Receiver(url, SECRET), self.settings, redis,
            lambda: self.is_leading, lambda: START_MS, lambda: self.now_s,
        )  # fmt: skip

    def look(self, times: int = 1, pause_s: float = 0.0) -> None:
        for _ in range(times):
            self.sender.look(threading.Event())
            self.now_s += pause_s


def hours(told: list[Told], symbol: str = "BTCUSDT") -> list[int]:
    mine = [one.place for one in told if one.data["symbol"] == symbol]
    return [(open_ms - START_MS) // HOUR_MS for _, _, open_ms in mine]


def store_eth(redis: Redis, number: int) -> None:
    now_ms = START_MS + 10**9
    official.upsert_klines(redis, ETH, [row(number)], now_ms=now_ms, settle_ms=0)


def test_candles_and_corrections_arrive_once_signed_and_in_order(
    redis: Redis, receiver: WebhookReceiver
) -> None:
    upsert(redis, rows(2))
    driven = Driven(redis, receiver.url)
    driven.look()
    upsert(redis, rows(3, first=2))
    upsert(redis, [row(1, "8.1")])
    driven.look(3)
    assert [one.place[1:] for one in receiver.told] == [
        *(("candle.closed", START_MS + number * HOUR_MS) for number in (2, 3, 4)),
        ("candle.corrected", START_MS + HOUR_MS),
    ]
    assert driven.sender.counts == {"delivered": 4} and driven.sender.waiting == 0


def test_another_fetcher_goes_on_where_this_one_was_and_who_does_not_lead_says_nothing(
    redis: Redis, receiver: WebhookReceiver
) -> None:
    upsert(redis, rows(2))
    first, second = Driven(redis, receiver.url), Driven(redis, receiver.url)
    second.is_leading = False
    first.look()
    upsert(redis, [row(2)])
    first.look()
    first.is_leading, second.is_leading = False, True
    upsert(redis, [row(3)])
    for _ in range(2):
        first.look()
        second.look()
    first.is_leading, second.is_leading = True, False
    upsert(redis, [row(4)])
    first.look()
    second.look()
    assert hours(receiver.told) == [2, 3, 4]


def test_a_receiver_that_does_not_answer_gets_all_of_it_later_and_nothing_is_given_up(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/hooks/S3cretPath"
    upsert(redis, rows(1))
    driven = Driven(redis, url)
    driven.look()
    for number in range(1, 30):
        upsert(redis, [row(number)])
        driven.look(pause_s=PAUSE_S_MAX)
    assert driven.sender.waiting == 1 and driven.sender.counts["failed"] > ATTEMPTS_MAX
    with WebhookReceiver(port) as receiver:
        driven.look()
    assert hours(receiver.told) == list(range(1, 30))
    said = [one.getMessage() for one in caplog.records if "webhooks" in one.getMessage()]
    assert len(said) == 1 and "S3cret" not in said[0] and "no answer" in said[0]


def test_who_refuses_one_series_is_told_the_others_and_what_is_given_up_is_kept_and_sent_again(
    redis: Redis, redis_url: str, receiver: WebhookReceiver
) -> None:
    """Given a receiver that refuses one candle, by a redirect, which is not followed."""
    upsert(redis, rows(1))
    store_eth(redis, 0)
    driven = Driven(redis, receiver.url)
    driven.look()
    receiver.answer = lambda told: 308 if hours([told]) == [1] else 200
    upsert(redis, rows(2, first=1))
    store_eth(redis, 1)
    driven.look()
    assert hours(receiver.taken, "ETHUSDT") == [1] and hours(receiver.taken) == []
    driven.look(ATTEMPTS_MAX, pause_s=PAUSE_S_MAX)
    assert hours(receiver.taken) == [2]
    assert len([one for one in receiver.told if one.status == 308]) == ATTEMPTS_MAX
    (dead,) = webhooks.dead_letters(redis, name_of(receiver.url))
    assert (dead.reason, dead.series) == ("HTTP 308", "BTCUSDT:1h")

    shell = Shell(replace(driven.settings, redis_url=redis_url))
    listed = shell.ok("webhooks list")
    assert dead.id in listed and "S3cret" not in listed and "2 series, 1 given up" in listed
    assert shell.run("webhooks resend").exit_code == 1
    receiver.answer = lambda _: 200
    assert "1 sent" in shell.ok("webhooks resend", dead.id)
    assert receiver.told[-1].id == dead.id and receiver.told[-1].text == dead.body
    assert webhooks.dead_letters(redis, name_of(receiver.url)) == []
    assert "0 forgotten" in shell.ok("webhooks drop")


def test_only_what_the_settings_name_is_told(redis: Redis, receiver: WebhookReceiver) -> None:
    upsert(redis, rows(1))
    store_eth(redis, 0)
    drivens = [
        Driven(redis, receiver.url, webhook_symbols=("ETHUSDT",)),
        Driven(redis, receiver.url, webhook_intervals=("1d",)),
    ]
    for driven in drivens:
        driven.look()
    upsert(redis, [row(1)])
    store_eth(redis, 1)
    for driven in drivens:
        driven.look()
    assert [one.place[0] for one in receiver.told] == ["ETHUSDT:1h"]

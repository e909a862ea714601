"""An outage is over for everybody with the first answer to anybody, and for nobody too often."""

from __future__ import annotations

import random
import threading

import pytest

from truecandle.admin.retry import TRIES_MAX as PATIENCE_TRIES_MAX
from truecandle.admin.retry import RetryPolicy
from truecandle.backoff import WAKES_MAX
from truecandle.binance.reachability import EVERYTHING, Reachability, SharedOutage
from truecandle.candles.interval import INTERVALS
from truecandle.errors import ExchangeUnreachable
from truecandle.feed.recovery_pauses import BACKOFF_MAX_S, TRIES_MAX, RequestBackoff
from truecandle.fetcher.market_poller import MINUTE_MS, MarketBackoff
from truecandle.fetcher.read_schedule import ReadSchedule

KLINES, TRADES = "/api/v3/klines", "/api/v3/aggTrades"
NOW_MS = 1_723_118_410_000


def nothing() -> None:
    """A probe that finds nothing out."""


def ended(outage: SharedOutage) -> SharedOutage:
    outage.is_over = True
    return outage


def test_any_answer_ends_an_outage_of_everything_and_only_its_own_that_of_a_path() -> None:
    reach = Reachability()
    everything, klines = reach.failed(EVERYTHING, nothing), reach.failed(KLINES, nothing)
    assert reach.failed(KLINES, nothing) is klines
    reach.answered(TRADES)
    assert [everything.is_over, klines.is_over] == [True, False]
    assert list(reach.outages) == [klines]
    reach.answered(KLINES)
    assert [everything.is_over, klines.is_over] == [True, True]
    assert list(reach.outages) == []
    assert not reach.failed(KLINES, nothing).is_over


def test_listeners_hear_of_each_end_once() -> None:
    reach, heard = Reachability(), list[str]()
    reach.listen(lambda: heard.append("over"))
    reach.answered(KLINES)
    assert heard == []
    for path in (KLINES, TRADES):
        reach.failed(path, nothing)
    for _ in range(2):
        reach.answered(KLINES)
    assert heard == ["over"]


def test_while_it_lasts_it_is_probed_again_and_again_and_no_longer() -> None:
    reach, stop, asked = Reachability(), threading.Event(), list[int]()

    def probe() -> None:
        asked.append(1)
        reach.answered(KLINES)
        stop.set()

    outage = reach.failed(KLINES, probe)
    reach.probe_until(stop)
    outage.probe()
    assert len(asked) == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_market_rests_for_an_outage_only_while_that_lasts(seed: int) -> None:
    backoff, outage = MarketBackoff(random.Random(seed)), SharedOutage(nothing)
    for second in range(5):
        backoff.fail(NOW_MS + second, outage)
    assert backoff.until_ms >= NOW_MS + MINUTE_MS
    assert not backoff.is_woken
    ended(outage)
    assert backoff.until_ms == 0


def test_what_is_a_markets_own_trouble_outlasts_every_outage() -> None:
    backoff = MarketBackoff()
    backoff.fail(NOW_MS, ended(SharedOutage(nothing)))
    backoff.rest(NOW_MS + MINUTE_MS)
    assert backoff.until_ms == NOW_MS + MINUTE_MS
    own = MarketBackoff()
    own.fail(NOW_MS, None)
    assert own.until_ms > NOW_MS and not own.is_woken


def test_who_is_woken_and_fails_again_is_not_woken_for_ever() -> None:
    """Every other market is answered, this one never: five tries a minute and a few more."""
    backoff, tries, now_ms = MarketBackoff(random.Random(3)), 0, NOW_MS
    while now_ms < NOW_MS + 10 * MINUTE_MS:
        if backoff.until_ms <= now_ms:
            outage = SharedOutage(nothing)
            backoff.fail(now_ms, outage)
            outage.is_over = True
            tries += 1
        now_ms += 100
    assert tries <= 10 * (5 + WAKES_MAX)


def test_a_series_is_due_again_when_the_outage_is_over() -> None:
    interval, outage = INTERVALS["1m"], SharedOutage(nothing)
    schedule = ReadSchedule([interval], 3_000)
    for _ in range(8):
        schedule.record_failure(interval, NOW_MS, outage)
    assert schedule.due(NOW_MS + 1_000) == []
    ended(outage)
    assert schedule.due(NOW_MS + 1_000) == [interval]


def test_the_feed_asks_again_when_the_outage_is_over_and_gives_nothing_up_in_one() -> None:
    backoff, outage = RequestBackoff(), SharedOutage(nothing)
    assert not any(backoff.on_failure(1.0, outage) for _ in range(5 * TRIES_MAX))
    assert backoff.is_waiting(1.1)
    ended(outage)
    assert not backoff.is_waiting(1.1)


def test_the_feed_gives_up_what_fails_whatever_others_are_answered() -> None:
    backoff, now_s, gave_up = RequestBackoff(), 0.0, False
    for _ in range(WAKES_MAX + TRIES_MAX):
        gave_up = backoff.on_failure(now_s, ended(SharedOutage(nothing))) or gave_up
        now_s += 1.0
    assert gave_up
    assert backoff.is_waiting(now_s + BACKOFF_MAX_S / 2)


def test_a_command_goes_on_as_soon_as_the_exchange_answers() -> None:
    slept, said = list[float](), list[str]()

    def probe() -> None:
        if len(slept) >= 2:
            outage.is_over = True

    outage, errors = SharedOutage(probe), 4
    patience = RetryPolicy(said.append, slept.append)

    def action() -> int:
        if outage.is_over:
            return 7
        raise ExchangeUnreachable("away", outage)

    assert patience(action) == 7
    assert sum(slept) <= errors


def test_a_command_that_is_answered_elsewhere_only_is_as_patient_as_ever() -> None:
    """Where the outage seems to be over each time and is not, the waits grow all the same."""
    slept = list[float]()

    def action() -> int:
        raise ExchangeUnreachable("away", ended(SharedOutage(nothing)))

    with pytest.raises(ExchangeUnreachable):
        RetryPolicy(lambda _: None, slept.append)(action)
    assert len(slept) <= 2 * PATIENCE_TRIES_MAX
    assert sum(slept) >= 60

"""What a watch yields as official is what the server has, whatever becomes of the events.

Never here: sockets (`test_python_client`).
Invariant: the server here changes as a real one does: each change has a version, and an event that
may be lost, or come twice, or late.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from truecandle_client import Candle, Unauthorized, Unreachable
from truecandle_client.candle import official_from_row
from truecandle_client.pages import Question, Reply
from truecandle_client.reading import ATTEMPTS, PAUSE_MAX_S, Backoff, Pause, reply_to
from truecandle_client.watching import Call, Connect, Listen, SeriesWatch, Told

MINUTE_MS = 60_000
START_MS = 1_700_000_040_000
SEEDS = range(60)
CHANGES = 60
PAGE = 7
#: What a watch remembers; far more than is changed here.
MAX_STEPS = 10_000


def row(open_ms: int, close: int) -> list[Any]:
    text = f"{close}.50"
    return [open_ms, "1", "9000", "1", text, "2", open_ms + 59_999, "3", 4, "1", "1", "0"]


class Model:
    """A series of a server, and a connection to it that loses events."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rows = {START_MS: row(START_MS, 1)}
        self.version = 1
        self.waiting: list[Told] = []
        self.left = CHANGES

    def change(self) -> None:
        """A new candle, a correction, or one filled in; told as a server does, or not at all."""
        self.left -= 1
        newest_ms = max(self.rows)
        open_ms = self.chance.choice(
            [newest_ms + MINUTE_MS, newest_ms + 2 * MINUTE_MS, *self.rows, newest_ms - MINUTE_MS]
        )
        if open_ms < START_MS:
            return
        self.rows[open_ms] = row(open_ms, self.chance.randint(1, 8_999))
        previous, self.version = self.version, self.version + 1
        event = {
            "symbol": "BTCUSDT", "interval": "1m", "version": self.version, "previous": previous,
            "candles": [self.rows[open_ms]] if self.chance.random() < 0.8 else [],
            "from": open_ms, "to": open_ms,
        }  # fmt: skip
        copies = self.chance.choice([0, 1, 1, 1, 2])
        self.waiting += [Told("data_updated", event)] * copies

    def page(self, question: Question) -> Reply:
        start, limit = question.params.get("start"), int(question.params["limit"])
        opens = sorted(self.rows)
        found = opens[-limit:] if start is None else [ms for ms in opens if ms >= int(start)]
        is_more = start is not None and len(found) > PAGE
        body = json.dumps([self.rows[ms] for ms in (found[:PAGE] if is_more else found)])
        headers = {"truecandle-version": str(self.version)}
        headers |= {"link": '</data?start=1>; rel="next"'} if is_more else {}
        if self.left and self.chance.random() < 0.3:
            self.change()  # between two pages, or before an event
        return Reply(200, headers, body.encode())

    def outcome(self, step: Any) -> Any:
        if isinstance(step, Question):
            return self.page(step) if self.chance.random() < 0.5 else Unreachable("lost")
        if isinstance(step, Connect):
            self.waiting = []
            return Unreachable("away") if self.chance.random() < 0.2 else None
        if isinstance(step, Call):
            return {"ok": True, "version": self.version, "live": []}
        if isinstance(step, Listen):
            return self.listened()
        assert isinstance(step, Pause) and 0 < step.seconds <= PAUSE_MAX_S
        return None

    def listened(self) -> Any:
        if self.left:
            self.change()
        if self.waiting and self.chance.random() < 0.9:
            return self.waiting.pop(0)
        if self.chance.random() < 0.2:
            return Unreachable("broken off")
        return None if self.chance.random() < 0.5 else Told("resync", {})


def watched(model: Model) -> Iterator[Candle]:
    """All that a watch yields until nothing changes any more and silence has made it look."""
    steps = SeriesWatch("BTCUSDT", "1m", START_MS, None).steps()
    outcome: Any = None
    quiet = 0
    for _ in range(MAX_STEPS):
        step = steps.throw(outcome) if isinstance(outcome, Exception) else steps.send(outcome)
        outcome = None
        if isinstance(step, Candle):
            yield step
            continue
        if isinstance(step, Listen) and not model.left and not model.waiting:
            quiet += 1
            if quiet > 2:
                return
        else:
            outcome = model.outcome(step)
    raise AssertionError("it does not come to rest")


@pytest.mark.parametrize("seed", SEEDS)
def test_in_the_end_every_candle_was_yielded_as_the_server_has_it(seed: int) -> None:
    model = Model(seed)
    last: dict[int, Candle] = {}
    for candle in watched(model):
        assert last.get(candle.open_ms) != candle, "nothing is yielded twice in a row"
        last[candle.open_ms] = candle
    assert last == {ms: official_from_row(one) for ms, one in model.rows.items()}


def test_live_candles_end_where_official_ones_begin() -> None:
    steps = SeriesWatch("BTCUSDT", "1m", None, None).steps()
    fields = {
        "time": START_MS, "open": 1, "high": 2, "low": 1, "close": 2, "volume": 1, "trades": 1,
        "state": "pending", "exact": True, "quote_volume": None, "taker_volume": None,
        "taker_quote_volume": None,
    }  # fmt: skip
    later = {**fields, "time": START_MS + MINUTE_MS, "state": "forming"}
    assert isinstance(next(steps), Connect)
    steps.send(None)
    asked = steps.send({"ok": True, "version": 1, "live": [fields, later]})
    assert isinstance(asked, Question) and asked.params["limit"] == "1"
    reply = Reply(200, {"truecandle-version": "1"}, json.dumps([row(START_MS, 5)]).encode())
    official = steps.send(reply)
    assert isinstance(official, Candle) and official.state == "official"
    forming = steps.send(None)
    assert isinstance(forming, Candle) and forming.open_ms == START_MS + MINUTE_MS
    assert isinstance(steps.send(None), Listen)


def test_a_refusal_ends_a_watch_and_one_that_passes_does_not() -> None:
    for code, expected in (("unavailable", Pause), ("unauthorized", None)):
        steps = SeriesWatch("BTCUSDT", "1m", None, None).steps()
        next(steps)
        steps.send(None)
        answer = {"ok": False, "code": code, "detail": "no"}
        if expected is None:
            with pytest.raises(Unauthorized):
                steps.send(answer)
        else:
            assert isinstance(steps.send(answer), expected)


def test_connecting_fails_as_often_as_is_allowed() -> None:
    steps = SeriesWatch("BTCUSDT", "1m", None, 3).steps()
    next(steps)
    for _ in range(2):
        assert isinstance(steps.throw(Unreachable("away")), Pause)
        assert isinstance(steps.send(None), Connect)
    with pytest.raises(Unreachable):
        steps.throw(Unreachable("away"))


def test_a_question_is_asked_again_while_the_refusal_may_pass() -> None:
    reading = reply_to(Question("/data", {}))
    busy = Reply(429, {"retry-after": "7"}, b"")
    step = next(reading)
    for _ in range(ATTEMPTS - 1):
        step = reading.send(busy)
        assert step == Pause(7.0)
        step = reading.send(None)
        assert isinstance(step, Question)
    with pytest.raises(StopIteration) as end:
        reading.send(busy)
    assert end.value.value == busy


def test_pauses_grow_up_to_the_longest() -> None:
    backoff = Backoff()
    pauses = [backoff.fail() for _ in range(100)]
    assert pauses[0] <= 0.5 and max(pauses) <= PAUSE_MAX_S and min(pauses[20:]) >= PAUSE_MAX_S / 2
    backoff.reset()
    assert backoff.fail() <= 0.5

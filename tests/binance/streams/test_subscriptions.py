"""What is subscribed on a connection: paced, confirmed, isolated, checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from truecandle.binance.streams.subscriptions import (
    ANSWER_S,
    CHECK_S,
    REFUSED_MAX_S,
    STREAMS_PER_MESSAGE,
    UNANSWERED_MAX,
    Subscriptions,
)

STEP_S = 0.01


class Exchange:
    """Answers after `lag_s`, refuses messages that name a stream of `bad`, keeps the others."""

    def __init__(self, *bad: str, lag_s: float = 0.05) -> None:
        self.now_s = 1000.0
        self.bad = set(bad)
        self.lag_s = lag_s
        self.known: set[str] = set()
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self._answers: list[tuple[float, dict[str, Any]]] = []

    def run(self, own: Subscriptions, seconds: float, ping_s: float = 5.0) -> None:
        until_s, ping_at_s = self.now_s + seconds, self.now_s + ping_s
        while self.now_s < until_s:
            self.now_s += STEP_S
            while self._answers and self._answers[0][0] <= self.now_s:
                own.on_answer(self._answers.pop(0)[1], self.now_s)
            if own.may_send(self.now_s) and self.now_s >= ping_at_s:
                ping_at_s += ping_s
                own.on_sent(self.now_s)
                self.sent.append((self.now_s, {"method": "PING"}))
            elif text := own.next_message(self.now_s):
                self._take(json.loads(text))

    def asked(self, method: str = "SUBSCRIBE") -> list[list[str]]:
        return [r.get("params", []) for _, r in self.sent if r["method"] == method]

    def _take(self, request: dict[str, Any]) -> None:
        self.sent.append((self.now_s, request))
        names = request.get("params", [])
        answer: dict[str, Any] = {"result": None, "id": request["id"]}
        if self.bad.intersection(names):
            answer = {"code": 2, "msg": "Invalid request", "id": request["id"]}
        elif request["method"] == "SUBSCRIBE":
            self.known |= set(names)
        elif request["method"] == "UNSUBSCRIBE":
            self.known -= set(names)
        else:
            answer["result"] = sorted(self.known)
        if self.lag_s < ANSWER_S:
            self._answers.append((self.now_s + self.lag_s, answer))


def names(count: int) -> list[str]:
    return [f"x{number}usdt@aggTrade" for number in range(count)]


def subscribed(exchange: Exchange, some: Sequence[str], seconds: float = 3.0) -> Subscriptions:
    own = Subscriptions()
    own.follow(some)
    exchange.run(own, seconds)
    return own


def told(own: Subscriptions) -> list[tuple[tuple[str, ...], bool]]:
    return [(change.names, change.is_live) for change in own.changes]


def test_it_is_idle_once_all_is_answered_until_something_changes() -> None:
    exchange, own = Exchange(), Subscriptions()
    own.follow(["a", "b"])
    assert not own.is_idle(exchange.now_s)
    exchange.run(own, 2)
    assert own.is_idle(exchange.now_s)
    own.follow(["a", "b", "c"])
    assert not own.is_idle(exchange.now_s)


def test_a_thousand_streams_and_the_pings_leave_at_most_four_messages_a_second() -> None:
    exchange = Exchange()
    own = Subscriptions()
    own.follow(names(1000))
    exchange.run(own, 20.0, ping_s=0.3)
    times = [at_s for at_s, _ in exchange.sent]
    assert len(times) > 60
    assert all(later - first > 1.0 for first, later in zip(times, times[4:], strict=False))
    assert all(len(batch) <= STREAMS_PER_MESSAGE for batch in exchange.asked())
    assert exchange.known == set(names(1000)) == own.confirmed.keys()


def test_a_stream_is_live_from_the_answer_on_and_not_before() -> None:
    exchange = Exchange(lag_s=1.0)
    own = subscribed(exchange, names(2), seconds=0.9)
    assert exchange.known == set(names(2))
    assert (told(own), own.is_resolved) == ([], False)
    exchange.run(own, 0.2)
    assert (told(own), own.is_resolved) == ([(tuple(names(2)), True)], True)


def test_one_bad_stream_is_isolated_and_the_others_are_live_within_seconds() -> None:
    some = names(200)
    exchange = Exchange(some[77])
    own = subscribed(exchange, some, seconds=6.0)
    assert own.confirmed.keys() == set(some) - {some[77]}
    assert own.is_resolved
    assert ((some[77],), False) in told(own)
    assert len(exchange.asked()) < 25


def test_a_refused_stream_is_asked_for_ever_more_rarely_and_never_with_others() -> None:
    exchange = Exchange("bad@aggTrade")
    own = subscribed(exchange, ["bad@aggTrade"], seconds=3600.0)
    times = [at_s for at_s, r in exchange.sent if r["method"] == "SUBSCRIBE"]
    assert 15 < len(times) < 25
    assert REFUSED_MAX_S <= times[-1] - times[-2] < REFUSED_MAX_S + 1
    exchange.bad.clear()
    own.follow(["bad@aggTrade", *names(3)])
    exchange.run(own, REFUSED_MAX_S + 1)
    assert own.confirmed.keys() == {"bad@aggTrade", *names(3)}
    assert ["bad@aggTrade"] in exchange.asked()[-2:]


def test_a_broken_message_is_refused_without_its_number_and_asked_again() -> None:
    exchange = Exchange(lag_s=ANSWER_S * 2)
    own = subscribed(exchange, names(1), seconds=0.5)
    own.on_answer({"code": 3, "msg": "Invalid JSON", "id": None}, exchange.now_s)
    exchange.lag_s = 0.05
    exchange.run(own, 3.0)
    assert own.confirmed.keys() == set(names(1))


def test_who_never_answers_is_unresponsive_after_some_requests() -> None:
    exchange = Exchange(lag_s=ANSWER_S * 2)
    own = subscribed(exchange, names(1), seconds=UNANSWERED_MAX * (ANSWER_S + 1) + 1)
    assert own.is_unresponsive
    assert len(exchange.asked()) <= UNANSWERED_MAX + 1


def test_what_the_exchange_has_lost_is_told_and_asked_for_again() -> None:
    exchange = Exchange()
    own = subscribed(exchange, names(5))
    exchange.known -= set(names(2))
    exchange.known.add("other@aggTrade")
    exchange.run(own, CHECK_S + 5)
    assert told(own) == [
        (tuple(names(5)), True),
        (tuple(names(2)), False),
        (tuple(names(2)), True),
    ]
    assert exchange.known == set(names(5)), "and what it should not send is left"
    assert len(exchange.asked("LIST_SUBSCRIPTIONS")) == 1


def test_streams_come_and_go_and_the_others_are_not_asked_for_again() -> None:
    exchange = Exchange()
    own = subscribed(exchange, names(3))
    own.follow([*names(3)[1:], "new@aggTrade"])
    exchange.run(own, 2.0)
    assert exchange.known == {*names(3)[1:], "new@aggTrade"} == own.confirmed.keys()
    assert exchange.asked() == [names(3), ["new@aggTrade"]]
    own.follow(names(3)[1:])
    own.follow([*names(3)[1:], "new@aggTrade"])  # changed its mind before anything was sent
    exchange.run(own, 2.0)
    assert len(exchange.asked()) == 2


def test_a_stream_left_while_it_is_asked_for_is_never_live() -> None:
    exchange = Exchange(lag_s=0.8)
    own = subscribed(exchange, names(1), seconds=0.3)
    own.follow([])
    exchange.run(own, 3.0)
    assert (told(own), own.confirmed, exchange.known) == ([], {}, set())


def test_a_stream_subscribed_anew_is_lost_until_that_is_confirmed() -> None:
    exchange = Exchange()
    own = subscribed(exchange, names(2))
    own.resubscribe(names(1), "it was silent")
    exchange.run(own, 2.0)
    one = tuple(names(1))
    assert told(own) == [(tuple(names(2)), True), (one, False), (one, True)]
    assert exchange.asked("UNSUBSCRIBE") == [names(1)]
    assert exchange.known == set(names(2))

"""How fresh a market is, told from what the feed noted of it: every state, every limit.

Never here: Redis, a clock.
Invariant: whatever is noted, what is not proven is not called live or quiet.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truecandle.candles.freshness import (
    FEED_MS,
    LIVE_MS,
    REASON_MAX,
    SILENT_MS,
    STATES,
    Facts,
    facts_from_json,
    judge,
)
from truecandle.errors import CandleError

#: 2024-11-21T14:02:10Z
NOW = 1_732_197_730_000
HOUR = 3_600_000
WELL = Facts(
    at=NOW,
    is_connected=True,
    connected_since=NOW - HOUR,
    heard=NOW - 200,
    pong=NOW - 3_000,
    trade=NOW - 300,
    flowing_since=NOW - 60_000,
)
DEAF = replace(WELL, heard=NOW - HOUR, pong=NOW - HOUR, connected_since=NOW - HOUR)


def lost(why: str | None = None, since: int | None = NOW - 70_000, **other: Any) -> Facts:
    return replace(WELL, is_connected=False, lost_since=since, lost_why=why, **other)


CASES = {
    "trades arrive": (WELL, "live", NOW - 60_000, "Trades arrive."),
    "a run of trades that began before the connection": (
        replace(WELL, connected_since=NOW - 5_000), "live", NOW - 5_000, "Trades arrive."),
    "a run whose beginning is not known": (
        replace(WELL, flowing_since=None), "live", NOW - 300, "Trades arrive."),
    "a last trade just young enough": (
        replace(WELL, trade=NOW - LIVE_MS + 1), "live", NOW - 60_000, "Trades arrive."),
    "a last trade just too old": (
        replace(WELL, trade=NOW - LIVE_MS), "quiet", NOW - LIVE_MS,
        "No trade since 14:02:00 UTC; the connection is alive."),
    "a trade of yesterday": (
        replace(WELL, trade=NOW - 15 * HOUR), "quiet", NOW - 15 * HOUR,
        "No trade since 20 Nov 23:02:10 UTC; the connection is alive."),
    "no trade yet": (
        replace(WELL, trade=None, flowing_since=None), "quiet", NOW - HOUR,
        "No trade has come yet; the connection is alive."),
    "a pong alone proves the connection": (
        replace(DEAF, pong=NOW - SILENT_MS, trade=NOW - 60_000), "quiet", NOW - 60_000,
        "No trade since 14:01:10 UTC; the connection is alive."),
    "an event alone proves it too": (
        replace(DEAF, heard=NOW - SILENT_MS, pong=None, trade=NOW - 60_000), "quiet", NOW - 60_000,
        "No trade since 14:01:10 UTC; the connection is alive."),
    "a connection made just now is alive": (
        Facts(at=NOW, is_connected=True, connected_since=NOW - SILENT_MS), "quiet", NOW - SILENT_MS,
        "No trade has come yet; the connection is alive."),
    "silent for a moment too long": (
        replace(DEAF, pong=NOW - SILENT_MS - 1), "stale", NOW - SILENT_MS - 1,
        "Nothing has come from the exchange since 14:01:59 UTC."),
    "silent, though a trade was fetched": (
        replace(DEAF, trade=NOW - 100), "stale", NOW - HOUR,
        "Nothing has come from the exchange since 13:02:10 UTC."),
    "connected without any sign": (
        Facts(at=NOW, is_connected=True), "stale", NOW, "Nothing has come from the exchange yet."),
    "trades known to be missing outweigh those that arrive": (
        replace(WELL, behind="1,204 trades are fetched again", behind_since=NOW - 900), "stale",
        NOW - 900, "Catching up: 1,204 trades are fetched again."),
    "a stop at the end of a reason is not doubled": (
        replace(WELL, behind=" kline_1m is mute. "), "stale", NOW - 300,
        "Catching up: kline_1m is mute."),
    "behind before any trade": (
        Facts(at=NOW, is_connected=True, connected_since=NOW - 5, behind="seeding"), "stale",
        NOW - 5, "Catching up: seeding."),
    "a lost connection": (
        lost("connection reset"), "offline", NOW - 70_000,
        "No connection to the exchange since 14:01:00 UTC: connection reset."),
    "a lost connection without a reason": (
        lost(), "offline", NOW - 70_000, "No connection to the exchange since 14:01:00 UTC."),
    "lost outweighs behind": (
        lost(behind="seeding"), "offline", NOW - 70_000,
        "No connection to the exchange since 14:01:00 UTC."),
    "never connected": (
        Facts(at=NOW - 400, is_connected=False, lost_why="refused"), "offline", NOW - 400,
        "Not connected to the exchange yet: refused."),
    "a feed not heard from for just long enough": (
        replace(WELL, at=NOW - FEED_MS), "live", NOW - 60_000, "Trades arrive."),
    "a feed not heard from for a moment too long": (
        replace(WELL, at=NOW - FEED_MS - 1), "offline", NOW - FEED_MS - 1,
        "The feed has not been heard from since 14:02:04 UTC."),
    "a feed that died while it was not connected": (
        lost(at=NOW - 60_000), "offline", NOW - 70_000,
        "The feed has not been heard from since 14:01:10 UTC."),
    "facts a little ahead of the time": (
        replace(WELL, at=NOW + FEED_MS), "live", NOW - 60_000, "Trades arrive."),
    "facts from the future prove nothing": (
        replace(WELL, at=NOW + FEED_MS + 1), "offline", None,
        "The feed's clock is 5 s ahead of the time."),
    "a trade from the near future": (
        replace(WELL, trade=NOW + LIVE_MS - 1, flowing_since=None), "live", NOW, "Trades arrive."),
    "a trade from the far future proves nothing": (
        replace(WELL, trade=NOW + LIVE_MS), "quiet", NOW - HOUR,
        "No trade has come yet; the connection is alive."),
    "signs from the far future prove nothing": (
        replace(WELL, heard=NOW + HOUR, pong=NOW + HOUR, connected_since=NOW + HOUR), "stale", NOW,
        "Nothing has come from the exchange yet."),
    "a loss from the near future": (
        lost(since=NOW + 100), "offline", NOW, "No connection to the exchange since 14:02:10 UTC."),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "state", "since", "why"), CASES.values(), ids=CASES)
def test_every_case_has_its_state_its_time_and_its_sentence(
    facts: Facts, state: str, since: int | None, why: str
) -> None:
    found = judge(facts, NOW)
    assert found.fields() == {"state": state, "since": since, "why": why}


def test_a_market_of_which_nothing_was_noted_is_offline() -> None:
    found = judge(None, NOW)
    assert found.fields() == {
        "state": "offline",
        "since": None,
        "why": "No feed has told anything of this market yet.",
    }


def test_the_same_facts_only_get_worse_while_nothing_new_is_noted() -> None:
    well = replace(WELL, pong=NOW)
    states = [judge(well, NOW + ms).state for ms in range(0, 30_000, 10)]
    assert states == sorted(states, key=("live", "offline").index)
    patient = [judge(replace(well, at=NOW + ms), NOW + ms).state for ms in range(0, 30_000, 10)]
    assert list(dict.fromkeys(patient)) == ["live", "quiet", "stale"]


def test_a_clock_that_leaps_is_never_taken_for_news() -> None:
    for leap in (-400 * 24 * HOUR, -2 * HOUR, HOUR, 400 * 24 * HOUR):
        found = judge(WELL, NOW + leap)
        assert found.state == "offline"
        assert judge(replace(WELL, at=NOW + leap), NOW + leap).state == "stale"


near = st.none() | st.integers(NOW - 40_000, NOW + 40_000)
reason = st.none() | st.text(max_size=300)
facts = st.builds(
    Facts, st.integers(NOW - 40_000, NOW + 40_000), st.booleans(),
    near, near, near, near, reason, near, reason, near, near,
)  # fmt: skip


@given(facts, st.integers(NOW - 20_000, NOW + 20_000))
def test_any_facts_are_judged_and_what_is_fresh_is_proven(noted: Facts, now_ms: int) -> None:
    found = judge(noted, now_ms)
    assert found.state in STATES and (found.since is None or found.since <= now_ms)
    assert found.why.endswith(".") and len(found.why) < REASON_MAX + 80
    if found.state in ("live", "quiet"):
        assert noted.is_connected and noted.behind is None
        assert abs(now_ms - noted.at) <= FEED_MS
        signs = (noted.heard, noted.pong, noted.connected_since)
        assert any(ms is not None and abs(now_ms - ms) <= SILENT_MS for ms in signs)
    assert (found.state == "live") <= (noted.trade is not None)


steps = st.lists(
    st.tuples(st.integers(0, 6_000), st.sampled_from(["note", "hear", "pong", "trade", "nothing"])),
    max_size=60,
)


@given(steps)
def test_since_never_moves_back_while_the_state_stays(course: list[tuple[int, str]]) -> None:
    now_ms, noted = NOW, replace(WELL, flowing_since=NOW - 300)
    before = judge(noted, now_ms)
    for wait_ms, event in course:
        now_ms += wait_ms
        known: dict[str, dict[str, Any]] = {
            "note": {},
            "hear": {"heard": now_ms},
            "pong": {"pong": now_ms},
            "trade": {"trade": now_ms, "heard": now_ms, "flowing_since": now_ms
                      if now_ms - (noted.trade or 0) >= LIVE_MS else noted.flowing_since},
        }  # fmt: skip
        if event in known:
            noted = replace(noted, at=now_ms, **known[event])
        found = judge(noted, now_ms)
        if found.state == before.state:
            assert found.since is not None and before.since is not None
            assert found.since >= before.since
        before = found


@given(facts)
def test_facts_are_kept_exactly(noted: Facts) -> None:
    assert facts_from_json(noted.to_json()) == noted


JUNK = [b"", b"{", b"[]", b"5", b"null", b"{}", b'{"at":1}', b"\xff", b"[" * 5_000]
ODD: list[dict[str, object]] = [
    {"at": "now"}, {"at": None}, {"at": -1}, {"at": 1e300}, {"at": True}, {"is_connected": 1},
    {"trade": "x"}, {"trade": 10**20}, {"pong": 1.5}, {"behind": 5}, {"lost_why": []},
    {"stranger": 1},
]  # fmt: skip
JUNK += [json.dumps({"at": NOW, "is_connected": True, **odd}).encode() for odd in ODD]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_is_refused_by_name(junk: bytes) -> None:
    with pytest.raises(CandleError):
        facts_from_json(junk)

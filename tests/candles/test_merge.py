"""The merge rule: shared vectors, and what holds for every mixture of candles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.candle import LiveCandle, OfficialCandle, live_from_fields
from truecandle.candles.decimals import canonical
from truecandle.candles.gap import Missing
from truecandle.candles.interval import INTERVALS
from truecandle.candles.merge import merge, tail

CASES = json.loads(
    (Path(__file__).parent.parent / "vectors" / "merge.json").read_text(), parse_float=str
)["cases"]
START_MS = 1_722_470_400_000
MINUTE = INTERVALS["1m"]
MINUTE_MS = 60_000


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_merge_keeps_the_shared_promise(case: dict[str, Any]) -> None:
    interval = INTERVALS[case["interval"]]
    if case["learned_from"] is not None:
        interval = interval.with_phase(case["learned_from"])
    merged = merge(
        interval,
        [official_from(fields) for fields in case["official"]],
        [live_from_fields(fields) for fields in case["pending"]],
        live_from_fields(case["forming"]) if case["forming"] else None,
        case["now"],
        [Missing(*span) for span in case.get("missing", ())],
    )
    assert [(one.candle.open_ms, one.state, one.candle.close) for one in merged] == [
        (one["time"], one["state"], canonical(one["close"])) for one in case["merged"]
    ]


minutes = st.integers(0, 12)
lives = st.builds(
    lambda minute, close, later, done, source: LiveCandle(
        open_ms=START_MS + minute * MINUTE_MS,
        open="50",
        high="100",
        low="1",
        close=str(close),
        volume="1",
        trades=1,
        source=source,
        is_complete=done,
        updated_at=START_MS + minute * MINUTE_MS + later,
    ),
    minutes,
    st.integers(1, 99),
    st.integers(0, 90_000),
    st.booleans(),
    st.sampled_from(["live", "client"]),
)
mixtures = st.tuples(
    st.sets(minutes), st.lists(lives, max_size=8), st.none() | lives, st.integers(0, 13 * MINUTE_MS)
)


@given(mixtures)
@settings(max_examples=150)
def test_every_mixture_keeps_the_rules(mixture: Any) -> None:
    official, merged = merged_of(mixture)
    # every official candle comes out once and untouched
    assert [one.candle for one in merged if one.state == "final"] == official
    # open times ascend and none comes twice
    opens = [one.candle.open_ms for one in merged]
    assert opens == sorted(set(opens))
    # only the last candle can be forming
    assert all(one.state != "forming" for one in merged[:-1])
    # nothing is made up
    given_candles = [*official, *mixture[1], mixture[2]]
    assert all(one.candle in given_candles for one in merged)


@given(mixtures, st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_the_order_of_pending_candles_updated_at_different_times_does_not_matter(
    mixture: Any, rng: Any
) -> None:
    opens, pending, _, now_ms = mixture
    apart = list({(one.open_ms, one.updated_at): one for one in pending}.values())
    shuffled = rng.sample(apart, len(apart))
    official = sorted(START_MS + minute * MINUTE_MS for minute in opens)
    now_ms += START_MS
    assert tail(MINUTE, official, apart, None, now_ms) == tail(
        MINUTE, official, shuffled, None, now_ms
    )


def merged_of(mixture: Any) -> Any:
    opens, pending, forming, now_ms = mixture
    official = [
        official_from(
            {
                "time": START_MS + m * MINUTE_MS,
                "open": 5,
                "high": 9,
                "low": 1,
                "close": 4,
                "volume": 2,
            }
        )
        for m in sorted(opens)
    ]
    return official, merge(MINUTE, official, pending, forming, START_MS + now_ms)


def official_from(fields: dict[str, Any]) -> OfficialCandle:
    names = ("open", "high", "low", "close", "volume")
    o, h, l_, c, v = (canonical(fields[name]) for name in names)
    return OfficialCandle(fields["time"], o, h, l_, c, v, fields["time"] + 1, "0", 0, "0", "0")

"""What counts as a fault at one score of a series."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.admin.members import examine
from truecandle.candles.candle import official_from_member
from truecandle.candles.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.errors import CandleError
from truecandle.store.columns import own_time

HOUR = INTERVALS["1h"]
OPEN_MS = 1_704_067_200_000
NOW_MS = OPEN_MS + 10 * HOUR_MS
TAIL = "8,9,7,8.5,12.5,1704070799999,100,3,1,8,0"


def text(tail: str = TAIL, open_ms: int = OPEN_MS) -> bytes:
    return f"[{open_ms},{tail}]".encode()


def checks(members: list[bytes], score: float = OPEN_MS) -> list[tuple[str, tuple[int, ...], bool]]:
    (found,) = examine(HOUR, [(member, score) for member in members], NOW_MS)
    return [(spot.check, spot.opens, spot.is_rubbish) for spot in found.spots]


def test_a_proper_candle_has_no_fault() -> None:
    (found,) = examine(HOUR, [(text(), OPEN_MS)], NOW_MS)
    assert found == ((), official_from_member(text()))


@pytest.mark.parametrize(
    "member",
    [b"", b"x", b"[]", b"\xff", b'{"time":1}', text(TAIL + ",1"), text('"8"' + TAIL[1:])],
)
def test_what_is_no_member_of_ours_is_junk(member: bytes) -> None:
    assert checks([member]) == [("junk", (OPEN_MS,), True)]


@pytest.mark.parametrize(
    "tail",
    [
        TAIL.replace("9,7", "7,9"),
        TAIL.replace("8,9", "10,9"),
        TAIL.replace("8,9", "6,9"),
        TAIL.replace("8.5", "9.5"),
        TAIL.replace("8,9,7,8.5", "0,0,0,0"),
        TAIL.replace(",3,", ",3.5,"),
        TAIL.replace("1704070799999", "9" * 15),
        TAIL.replace("12.5", "1" * 30),
    ],
)
def test_numbers_that_cannot_be_are_broken(tail: str) -> None:
    assert checks([text(tail)]) == [("broken", (OPEN_MS,), True)]


def test_a_member_at_another_time_than_its_own_is_asked_for_at_both() -> None:
    found = checks([text()], OPEN_MS + 3 * HOUR_MS + MINUTE_MS)
    assert found == [("misplaced", (OPEN_MS, OPEN_MS + 3 * HOUR_MS), True)]


def test_off_the_grid_the_candle_of_that_time_is_asked_for() -> None:
    odd_ms = OPEN_MS + 28 * MINUTE_MS
    assert checks([text(open_ms=odd_ms)], odd_ms) == [("misaligned", (OPEN_MS,), True)]


def test_a_candle_that_is_not_closed_is_not_asked_for() -> None:
    assert checks([text(open_ms=NOW_MS)], NOW_MS) == [("not closed", (), True)]


@pytest.mark.parametrize("score", [float("inf"), float("-inf"), -5.0, 1e300])
def test_no_time_at_all_is_not_asked_for(score: float) -> None:
    assert checks([b"x"], score) == [("junk", (), True)]


def test_two_candles_at_one_time_are_double_and_both_stay_until_the_exchange_answers() -> None:
    assert checks([text(), text(TAIL + ".5")]) == [("double", (OPEN_MS,), False)]


def test_junk_beside_a_proper_candle_does_not_cost_the_candle() -> None:
    assert checks([text(), b"x"]) == [("junk", (OPEN_MS,), False)]


def test_without_a_grid_nothing_is_in_place() -> None:
    ((spots, candle),) = examine(INTERVALS["3d"], [(text(), OPEN_MS)], NOW_MS)
    assert [(spot.check, spot.opens) for spot in spots] == [("misaligned", ())]
    assert candle is None


NUMBERS = st.sampled_from(
    ["0", "1", "8", "8.5", "8.50", "08", "7", "9", ".5", "5.", "1e5", "-1", "8.123456789012345678"]
)


@settings(max_examples=300)
@given(st.lists(NUMBERS, min_size=11, max_size=11))
def test_members_are_read_as_everywhere_else(numbers: list[str]) -> None:
    numbers[5] = json.dumps(OPEN_MS + DAY_MS)
    member = text(",".join(numbers))
    (found,) = examine(HOUR, [(member, OPEN_MS)], NOW_MS)
    try:
        expected = official_from_member(member) if own_time(member) is not None else None
    except CandleError:
        expected = None
    assert found.candle == expected

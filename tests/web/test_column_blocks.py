"""Blocks of columns: put together, they are what cutting the whole page at once would give.

Never here: pages and their order (`test_pages`), answers (`test_data_door`).
Invariant: every text is compared with that of `columns` over all members.
"""

from __future__ import annotations

import random

import pytest

from truecandle.candles.series import Series, parse_series
from truecandle.store.columns import columns
from truecandle.web.column_blocks import BLOCK_CANDLES, ColumnBlocks, ColumnTexts, texts_of

START_MS = 1_704_067_200_000


def member(open_ms: int, close: str = "42050.01") -> bytes:
    text = f"[{open_ms},42000.1,42100,41000.5,{close},12.34567,{open_ms + 1},1.5,7,1,0.5,0]"
    return text.encode()


def members(series: Series, count: int, first: int = 0) -> list[bytes]:
    interval = series.interval
    start_ms = interval.step(interval.open_ms(START_MS), first)
    return [member(interval.step(start_ms, number)) for number in range(count)]


def whole(given: list[bytes], *, is_iso: bool) -> ColumnTexts:
    return texts_of(columns(given), is_iso=is_iso)


@pytest.mark.parametrize("name", ["1s", "1m", "1h", "1d", "1w", "1M"])
@pytest.mark.parametrize("is_iso", [True, False])
def test_blocks_put_together_are_the_whole_page(name: str, is_iso: bool) -> None:
    series, blocks = parse_series("BTCUSDT", name), ColumnBlocks()
    stored = members(series, 4_200)
    for first, count in ((0, 4_200), (7, 3_500), (0, 4_200), (1_500, 900), (999, 1_001), (5, 0)):
        given = stored[first : first + count]
        assert blocks.texts(series, given, is_iso=is_iso) == whole(given, is_iso=is_iso)


def test_a_block_with_another_member_is_cut_anew() -> None:
    series, blocks = parse_series("BTCUSDT", "1h"), ColumnBlocks()
    stored = members(series, 5 * BLOCK_CANDLES)
    blocks.texts(series, stored, is_iso=False)
    dice = random.Random(5)
    for _ in range(15):
        at = dice.randrange(len(stored))
        change = dice.choice(["corrected", "gone", "junk"])
        if change == "corrected":
            open_ms = int(stored[at][1:].partition(b",")[0])
            stored[at] = member(open_ms, f"42050.{dice.randrange(1, 99):02}")
        elif change == "gone":
            del stored[at]
        given = [*stored[:at], b"junk", *stored[at:]] if change == "junk" else stored
        assert blocks.texts(series, given, is_iso=False) == whole(given, is_iso=False)


@pytest.mark.parametrize("name", ["1s", "1M"])
@pytest.mark.parametrize("is_iso", [True, False])
def test_a_page_that_moves_is_cut_like_any_other(name: str, is_iso: bool) -> None:
    """By a candle, by many, backwards, or growing at its ends; with what was corrected meanwhile,
    and members that lie in no order or that nobody could have stored."""
    series, blocks = parse_series("BTCUSDT", name), ColumnBlocks()
    stored, dice = members(series, 1_500), random.Random(7)
    first, count = 100, 700
    for step in range(60):
        first = max(0, min(700, first + dice.choice([-150, -1, 0, 1, 1, 1, 30])))
        count = max(201, min(800, count + dice.choice([-1, 0, 0, 1, 40])))
        given, at = stored[first : first + count], dice.choice([1, 30, count - 30, count - 1])
        match dice.choice(["sound"] * 6 + ["junk", "doubled", "swapped"]):
            case "junk":
                given[at] += b" "
            case "doubled":
                given[at] = given[at - 1]
            case "swapped":
                given[at - 1 : at + 1] = given[at - 1 : at + 1][::-1]
        if step % 7 == 6:
            open_ms = int(stored[first + at][1:].partition(b",")[0])
            stored[first + at] = member(open_ms, f"42050.{step}")
        assert blocks.texts(series, given, is_iso=is_iso) == whole(given, is_iso=is_iso)


def test_a_candle_that_is_there_twice_after_a_kept_block_is_told_once() -> None:
    series, blocks = parse_series("BTCUSDT", "1h"), ColumnBlocks()
    stored = members(series, 2 * BLOCK_CANDLES + 50)
    for given in (stored, [*stored, stored[-1]]):
        assert blocks.texts(series, given, is_iso=False) == whole(stored, is_iso=False)


def test_another_market_is_another_block() -> None:
    blocks, given = ColumnBlocks(), dict[str, list[bytes]]()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        high, usual = b",421%d," % len(given), members(parse_series(symbol, "1h"), 3_500)
        given[symbol] = [one.replace(b",42100,", high) for one in usual]
    for _ in range(2):
        for symbol, stored in given.items():
            found = blocks.texts(parse_series(symbol, "1h"), stored, is_iso=True)
            assert found == whole(stored, is_iso=True)


@pytest.mark.parametrize(
    "junk", [b"", b"[", b"[,", b"[99999999999999999999,1]", b"{}", b"[0,1]", b"\xff" * 40]
)
def test_junk_is_left_out_wherever_it_lies(junk: bytes) -> None:
    series, blocks = parse_series("BTCUSDT", "1h"), ColumnBlocks()
    stored = members(series, 2_500)
    for at in (0, 1, 700, 1_300, 2_500):
        given = [*stored[:at], junk, *stored[at:]]
        assert blocks.texts(series, given, is_iso=True) == whole(given, is_iso=True)
    backwards = stored[::-1]
    assert blocks.texts(series, backwards, is_iso=True) == whole(backwards, is_iso=True)
    assert blocks.texts(series, [junk] * 2_500, is_iso=True).count == 0

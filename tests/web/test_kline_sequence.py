"""The order in which klines are told: each candle forms, and closes once, whatever comes when.

Never here: sockets, Redis (`test_streams`).
Invariant: what a stream tells is judged as its reader would, message by message.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.candle import LiveCandle, OfficialCandle
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.web.kline_sequence import HOLD_S, OWED_MAX, KlineSequence, Told
from truecandle.web.kline_text import kline_text

MINUTE = INTERVALS["1m"]
#: The newest official candle at first is candle 0.
FIRST_MS = 1_704_141_000_000


def at(number: int) -> int:
    return FIRST_MS + number * MINUTE_MS


def forming(number: int, state: int = 0) -> LiveCandle:
    return LiveCandle(
        open_ms=at(number), open="1.5", high="3", low="1", close="2", volume="7", trades=state,
        source="live", is_complete=False, updated_at=at(number) + state, first_id=5, last_id=9,
        is_exact=True,
    )  # fmt: skip


def closed(number: int, trades: int = 5) -> OfficialCandle:
    end_ms = at(number + 1) - 1
    return OfficialCandle(
        at(number), "1.5", "3", "1", "2", "7", end_ms, "14.25", trades, "3", "6.5"
    )


def told(found: list[Told]) -> list[str]:
    """`x3` for candle 3 closed, `3` for its forming."""
    return [
        f"{'x' if one.is_closed else ''}{(one.candle.open_ms - FIRST_MS) // MINUTE_MS}"
        for one in found
    ]


def test_the_next_candle_waits_until_the_one_before_has_closed() -> None:
    sequence = KlineSequence(MINUTE, at(0))
    assert told(sequence.add_live(forming(1), 0)) == ["1"]
    assert told(sequence.add_live(forming(2), 1)) == []
    assert told(sequence.add_live(forming(2, 3), 2)) == []
    found = sequence.add_official([closed(1)], 3)
    assert told(found) == ["x1", "2"]
    assert found[1].candle.trades == 3, "the newest state"
    assert told(sequence.add_live(forming(1, 9), 4)) == [], "it has closed"
    assert told(sequence.add_official([closed(0), closed(1)], 5)) == [], "told already"


def test_a_close_that_does_not_come_holds_nothing_up_for_long_and_is_told_when_it_comes() -> None:
    sequence = KlineSequence(MINUTE, at(0))
    sequence.add_live(forming(1), 0)
    sequence.add_live(forming(2), 60)
    assert told(sequence.look(60 + HOLD_S - 0.1)) == []
    assert told(sequence.look(60 + HOLD_S)) == ["2"]
    assert told(sequence.add_live(forming(3), 120)) == ["3"], "nothing waits a second time"
    assert told(sequence.add_live(forming(2, 7), 121)) == [], "nothing goes back"
    assert told(sequence.add_official([closed(1), closed(2)], 122)) == ["x1", "x2"]
    sequence.add_live(forming(3, 8), 123)
    assert told(sequence.add_live(forming(4), 180)) == [], "all is there again: it waits"


def test_what_was_passed_over_closes_later_and_what_is_proven_missing_never() -> None:
    sequence = KlineSequence(MINUTE, at(0))
    assert told(sequence.add_official([closed(4)], 0)) == ["x4"]
    assert sequence.from_ms == at(1)
    assert told(sequence.add_missing([(at(2), at(3))], 1)) == []
    assert told(sequence.add_official([closed(1), closed(3)], 2)) == ["x1", "x3"]
    assert not sequence.from_ms
    sequence.add_live(forming(6), 3)
    assert told(sequence.add_missing([(at(5), at(6))], 4)) == ["6"], "it waits for nothing more"


def test_what_is_never_closed_is_waited_for_no_longer_than_the_bound() -> None:
    sequence = KlineSequence(MINUTE, at(0))
    sequence.add_official([closed(2)], 0)
    sequence.add_official([closed(number) for number in range(3, OWED_MAX + 1)], 1)
    assert sequence.from_ms == at(1)
    sequence.add_official([closed(OWED_MAX + 2)], 2)
    assert sequence.from_ms == at(OWED_MAX + 1)
    assert told(sequence.add_official([closed(1)], 3)) == []


def test_an_empty_series_shows_what_forms_and_begins_with_the_first_close() -> None:
    sequence = KlineSequence(MINUTE, None)
    assert told(sequence.add_live(forming(7), 0)) == ["7"]
    assert told(sequence.add_official([closed(7)], 1)) == ["x7"]
    assert sequence.from_ms is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["live", "live", "official", "official", "missing", "time"]),
        st.integers(1, 12),
        st.integers(1, 4),
    ),
    max_size=60,
)


@settings(max_examples=40)
@given(STEPS)
def test_whatever_comes_when_each_candle_closes_once_and_forms_only_before(
    steps: list[tuple[str, int, int]],
) -> None:
    sequence, now_s, found, stored = KlineSequence(MINUTE, at(0)), 0.0, list[str](), set[int]()
    missing: set[int] = set()
    for kind, number, size in steps:
        now_s += 0.5
        if kind == "live":
            found += told(sequence.add_live(forming(number, len(found)), now_s))
        elif kind == "missing":
            span = set(range(number, number + size)) - stored
            missing |= span
            spans = [(at(one), at(one + 1)) for one in sorted(span)]
            found += told(sequence.add_missing(spans, now_s))
        elif kind == "official":
            fresh = set(range(number, number + size)) - missing
            stored |= fresh
            found += told(sequence.add_official([closed(one) for one in sorted(fresh)], now_s))
        else:
            now_s += HOLD_S
            found += told(sequence.look(now_s))
    closes = [one for one in found if one.startswith("x")]
    assert len(closes) == len(set(closes))
    assert {int(one[1:]) for one in closes} == stored
    newest = 0
    for place, one in enumerate(found):
        if not one.startswith("x"):
            assert f"x{one}" not in found[:place], "never formed after its close"
            assert int(one) >= newest, "no candle forms after a later one did"
            newest = int(one)


def test_a_kline_has_the_exchanges_fields_and_null_for_what_nobody_knows() -> None:
    series = Series("币安USDT", MINUTE)
    live = replace(forming(1, 5), quote_volume="14.25", taker_volume=None)
    text = kline_text(series, Told(live, live), now_ms=9)
    assert text.decode() == (
        '{"e":"kline","E":1704141060005,"s":"币安USDT","k":{"t":1704141060000,"T":1704141119999,'
        '"s":"币安USDT","i":"1m","f":5,"L":9,"o":"1.50000000","c":"2.00000000","h":"3.00000000",'
        '"l":"1.00000000","v":"7.00000000","n":5,"x":false,"q":"14.25000000","V":null,"Q":null,'
        '"B":"0"}}'
    )
    final = kline_text(series, Told(closed(1), live), now_ms=9, unit=1000).decode()
    assert '"E":9000,' in final and '"t":1704141060000000,"T":1704141119999999,' in final
    assert '"x":true,"q":"14.25000000","V":"3.00000000","Q":"6.50000000"' in final
    assert '"f":5,"L":9' in final, "the feed had exactly these trades"
    assert '"f":null,"L":null' in kline_text(series, Told(closed(1, 6), live), 9).decode()
    assert '"f":-1,"L":-1' in kline_text(series, Told(closed(1, 0)), 9).decode()

"""The audit's arithmetic: what differs, by how many ticks and basis points, and what it adds up to.

Never here: Redis, a clock.
Invariant: every expected figure is worked out by hand.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.support.sample_candles import MINUTE_MS, START_MS, row
from truecandle.candles.audit import (
    FIELDS,
    AuditEntry,
    Steps,
    audit_entry_from_json,
    compare,
    known_steps,
    summary,
)
from truecandle.candles.candle import LiveCandle, OfficialCandle, official_from_row
from truecandle.candles.instrument import Instrument
from truecandle.errors import CandleError

END_MS = START_MS + MINUTE_MS
STEPS = Steps(Decimal("0.01"), "by hand", Decimal("0.1"), "by hand")


def official(**fields: Any) -> OfficialCandle:
    return replace(official_from_row(row(0, step_ms=MINUTE_MS)), **fields)


def shown(**fields: Any) -> LiveCandle:
    """As `official()`, seen live."""
    candle = LiveCandle(START_MS, "8", "9", "7", "8.5", "12.5", 3, "live", True, END_MS - 5)
    return replace(candle, **fields)


def entry(late_ms: int = 3_000, became: OfficialCandle | None = None, **fields: Any) -> AuditEntry:
    truth = became or official()
    return compare(truth, shown(**fields), end_ms=END_MS, at_ms=END_MS + late_ms)


def unseen(late_ms: int = 3_000) -> AuditEntry:
    return compare(official(), None, end_ms=END_MS, at_ms=END_MS + late_ms)


def test_a_candle_shown_as_it_became_official_is_exact() -> None:
    assert entry().is_exact
    assert entry().differing == ()
    assert entry().late_ms == 3_000


@pytest.mark.parametrize(
    ("field", "value", "difference"),
    [
        ("open", "8.01", "0.01"),
        ("high", "8.9", "-0.1"),
        ("low", "7.000000000000000001", "0.000000000000000001"),
        ("close", "8.49", "-0.01"),
        ("volume", "0", "-12.5"),
        ("trades", 2, "-1"),
    ],
)
def test_a_field_that_was_shown_otherwise_is_named(
    field: str, value: object, difference: str
) -> None:
    changed: dict[str, Any] = {field: value}
    found = entry(**changed)
    assert not found.is_exact
    assert found.differing == (field,)
    assert found.difference(field) == Decimal(difference)


def test_who_showed_it_and_whether_it_was_known_to_be_closed_make_no_difference() -> None:
    assert entry(source="client", is_complete=False, updated_at=END_MS + 99).is_exact


def test_a_candle_that_nobody_was_shown_is_neither_exact_nor_different() -> None:
    assert not unseen().is_exact
    assert unseen().differing == ()


def test_the_summary_gives_share_largest_and_median_by_field() -> None:
    entries = [
        entry(),
        entry(late_ms=3_100),
        entry(late_ms=3_300, high="8.97", volume="12.4"),
        entry(late_ms=9_000, high="8.95", trades=1),
    ]
    found = summary(entries, STEPS)
    assert (found.shown, found.exact, found.unseen) == (4, 2, 0)
    assert found.exact_share == Decimal("0.5")
    assert (found.median_ms, found.worst_ms) == (Decimal(3_200), 9_000)
    high = found.fields["high"]
    assert high.differing == 2
    assert (high.largest_ticks, high.median_ticks) == (Decimal(5), Decimal("1.5"))
    assert high.largest_bp == Decimal("55.555556")
    assert high.median_bp == Decimal("16.6666665")
    assert found.fields["volume"].largest_ticks == 1
    assert found.fields["volume"].largest_bp == 80
    assert found.fields["trades"].largest_ticks == 2
    assert found.fields["open"].differing == found.fields["open"].largest_ticks == 0


def test_candles_never_shown_are_counted_apart() -> None:
    found = summary([unseen(late_ms=60_000), entry(), unseen()], STEPS)
    assert (found.shown, found.exact, found.unseen) == (1, 1, 2)
    assert found.exact_share == 1
    assert found.worst_ms == 3_000


def test_nothing_is_said_about_no_candles() -> None:
    for entries in ([], [unseen()]):
        found = summary(entries, known_steps(None, entries))
        assert found.exact_share is found.median_ms is None
        assert found.worst_ms is None
        for name in FIELDS:
            assert found.fields[name].differing == 0
            assert found.fields[name].largest_ticks is found.fields[name].median_bp is None


def test_the_share_is_never_rounded_up_to_all() -> None:
    found = summary([entry(close="8.4"), entry(), entry()], STEPS)
    assert found.exact_share == Decimal("0.666666")


def test_a_volume_of_nothing_has_no_basis_points() -> None:
    empty = official(volume="0", trades=0)
    found = summary([entry(became=empty)], STEPS).fields
    assert found["volume"].largest_ticks == 125
    assert found["trades"].largest_ticks == 3
    assert found["volume"].largest_bp is found["trades"].median_bp is None


def test_the_exchange_says_what_a_tick_is() -> None:
    found = known_steps(Instrument("BTCUSDT", tick_size="0.01", step_size="0.00001"), [entry()])
    assert (found.tick, found.step) == (Decimal("0.01"), Decimal("0.00001"))
    assert found.tick_source == found.step_source == "exchange"


def test_unlisted_steps_are_read_off_the_official_numbers() -> None:
    entries = [entry(), entry(became=official(low="6.995", volume="12.12345"))]
    for listing in (None, Instrument("BTCUSDT")):
        found = known_steps(listing, entries)
        assert (found.tick, found.step) == (Decimal("0.001"), Decimal("0.00001"))
        assert (found.tick_source, found.step_source) == ("official prices", "official volumes")
    assert known_steps(None, []).tick is None


def test_an_entry_comes_back_from_its_text() -> None:
    for one in (entry(high="8.97"), unseen()):
        assert audit_entry_from_json(one.to_json()) == one
        assert audit_entry_from_json(one.to_json().encode()) == one


@pytest.mark.parametrize("text", ["", "[]", "{}", "7", '"x"', "null", "[" * 2_000])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(CandleError):
        audit_entry_from_json(text)


@pytest.mark.parametrize(
    ("field", "junk"), [("at", '"now"'), ("late_ms", "1.5"), ("shown", "7"), ("official", "[1]")]
)
def test_an_entry_with_a_field_that_is_not_ours_is_refused(field: str, junk: str) -> None:
    texts = {"time": "1", "at": "2", "late_ms": "3", "shown": "null"}
    texts["official"] = official().member()
    body = ",".join(f'"{name}":{text}' for name, text in (texts | {field: junk}).items())
    with pytest.raises(CandleError):
        audit_entry_from_json("{" + body + "}")

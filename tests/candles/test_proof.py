"""The proof of a candle: what evidence makes exact, and what a new epoch takes back."""

from __future__ import annotations

from typing import get_args

import pytest

from truecandle.candles.proof import Content, End, Evidence, Proof

EXACT = {
    ("whole", "open"),
    ("whole", "proven"),
    ("whole", "final"),
    ("empty", "open"),
    ("empty", "proven"),
    ("empty", "final"),
    ("incomplete", "final"),
}


@pytest.mark.parametrize("end", get_args(End))
@pytest.mark.parametrize("content", get_args(Content))
def test_a_candle_is_exact_only_if_no_trade_can_be_missing(content: Content, end: End) -> None:
    assert Proof(content, end).is_exact is ((content, end) in EXACT)


def test_a_new_epoch_keeps_that_the_beginning_was_known_and_forgets_every_id() -> None:
    evidence = Evidence(first_id=7, end_id=9, kline_id=9, ahead_id=9, is_interrupted=True)
    evidence.begin_epoch(open_id=7)
    assert evidence == Evidence(had_start=True, is_interrupted=True)


def test_a_beginning_is_known_by_the_first_trade_only_if_that_is_counted() -> None:
    evidence = Evidence(first_id=7)
    assert evidence.has_start(open_id=7)
    assert not evidence.has_start(open_id=8)

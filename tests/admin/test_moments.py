"""Moments on the command line are read as REST reads them.

Never here: every way to write one (`tests/candles/test_moments.py`).
Invariant: seconds are seconds; what could mean another moment ends the command.
"""

from __future__ import annotations

import click
import pytest

from truecandle.admin.moments import UtcTime, shown


@pytest.mark.parametrize("text", ["1704067200", "1704067200000", "2024-01-01", "2024"])
def test_the_first_moment_of_a_year_is_meant(text: str) -> None:
    assert shown(UtcTime().convert(text, None, None)) == "2024-01-01T00:00:00Z"


@pytest.mark.parametrize("text", ["170406720", "yesterday", "2200-01-01", ""])
def test_what_is_no_moment_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(click.BadParameter, match="ISO 8601"):
        UtcTime().convert(text, None, None)

"""The studies' values against another's maths, on real candles of an hour.

Never here: keeping them up to date (`studies.test.mjs`); 10,000 candles (`bench.study_values`).
Invariant: the candles are recorded ones, a gap of two hours among them.
"""

from __future__ import annotations

import pytest

from tests.support.expected_studies import CASES, Candles, differences, page_values, profile
from tests.support.project_files import ROOT

RECORDED = ROOT / "tests" / "data" / "BTCUSDT-1h-2023-03.csv"
#: What remains are the last digits of binary fractions, and TA-Lib's running sums.
DIFFERENCE_MAX = 1e-9


@pytest.fixture(scope="module")
def candles() -> Candles:
    return Candles.of_rows([line.split(",") for line in RECORDED.read_text().splitlines()])


def test_every_study_has_the_values_that_others_work_out(candles: Candles) -> None:
    found = differences(candles)
    assert {name: far for name, far in found.items() if far > DIFFERENCE_MAX} == {}


def test_every_kind_is_compared(candles: Candles) -> None:
    known = {case.kind for case in CASES} | {"volume-profile"}
    assert set(page_values(candles, [])["kinds"]) == known


def test_the_volume_profile_has_the_rows_that_others_work_out(candles: Candles) -> None:
    study = {"id": "p", "kind": "volume-profile", "inputs": {"rows": 24}}
    rows = page_values(candles, [study])["values"][0]
    for row, expected in zip(rows, profile(candles, 24), strict=True):
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-6)

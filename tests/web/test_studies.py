"""Studies in what a user keeps: only kinds that there are, each with its own inputs within bounds.

Never here: requests (`test_layouts`, `test_study_templates`).
Invariant: the page has the same table.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from truecandle.errors import CandleError
from truecandle.web.studies import STUDY_KINDS, checked

STUDY: dict[str, Any] = {"id": "s1", "kind": "supertrend", "inputs": {"period": 10}}


def test_every_kind_passes_with_its_own_inputs() -> None:
    given: dict[str, Any] = {"source": "hlc3", "anchor": "week", "factor": Decimal("2.25")}
    given["deviations"] = Decimal("0.1")
    for kind, inputs in STUDY_KINDS.items():
        study = {
            "id": "s1",
            "kind": kind,
            "inputs": {name: given.get(name, 24) for name in inputs},
            "style": {"color": "series-8", "width": 4},
            "hidden": True,
        }
        assert checked("studies", [study]) == [study]
    assert checked("studies", [{"id": "s1", "kind": "obv"}]) == [{"id": "s1", "kind": "obv"}]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "studies is {}; allowed: an array of at most 20"),
        ([STUDY] * 21, "21 of them"),
        ([None], "study is None"),
        ([STUDY, STUDY], "each id once"),
        ([{**STUDY, "kind": "magic"}], "kind is 'magic'"),
        ([{**STUDY, "id": "A b"}], "id is 'A b'"),
        ([{**STUDY, "inputs": []}], r"inputs is \[\]"),
        ([{**STUDY, "inputs": {"source": "close"}}], "field of inputs is 'source'"),
        ([{**STUDY, "inputs": {"period": 0}}], "period is 0; allowed: 1 to 1000, whole"),
        ([{**STUDY, "inputs": {"period": 1001}}], "period is 1001"),
        ([{**STUDY, "inputs": {"period": Decimal("1.5")}}], "period is '1.5'"),
        ([{**STUDY, "inputs": {"period": True}}], "period is True"),
        ([{**STUDY, "inputs": {"period": "10"}}], "period is '10'"),
        ([{**STUDY, "inputs": {"factor": Decimal("2.345")}}], "at most 2 decimals"),
        ([{**STUDY, "inputs": {"factor": Decimal("1e400")}}], "factor is"),
        ([{**STUDY, "style": {"color": "#ff0000"}}], "color is '#ff0000'"),
        ([{**STUDY, "style": {"width": 9}}], "width is 9"),
        ([{**STUDY, "hidden": 0}], "hidden is 0"),
        ([{**STUDY, "script": "x"}], "field of study is 'script'"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_may_be(found: object, words: str) -> None:
    with pytest.raises(CandleError, match=words):
        checked("studies", found)

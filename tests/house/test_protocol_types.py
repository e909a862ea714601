"""The page's types are those of the descriptions that the server serves.

Never here: whether the server says what it describes (`tests/e2e/test_protocol.py`).
Invariant: the files are made, never written: a stale one fails here.
"""

from __future__ import annotations

import pytest

from tools import protocol_types
from tools.protocol_types import declaration, typed
from truecandle.web.json_schema import (
    BOOLEAN,
    NUMBER,
    TEXT,
    Schema,
    dictionary,
    either,
    listed,
    nullable,
    part,
    row,
    structure,
    titled,
    told,
)


def test_the_files_are_as_they_are_made() -> None:
    for path, text in protocol_types.files().items():
        advice = f"{path.name} is stale: run `python -m tools.protocol_types`"
        assert path.read_text(encoding="utf-8") == text, advice


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "unknown"),
        (NUMBER, "number"),
        (listed(TEXT), "readonly string[]"),
        (listed(nullable(NUMBER)), "readonly (number | null)[]"),
        (listed(listed(BOOLEAN)), "readonly (readonly boolean[])[]"),
        (row(titled(NUMBER, "from"), TEXT), "readonly [from: number, string]"),
        (either(("a", "b")), '"a" | "b"'),
        ({"const": True}, "true"),
        (part("Market"), "Market"),
        (dictionary(part("Market")), "{ readonly [name: string]: Market }"),
        (structure({"a": TEXT, "b": NUMBER}, "b"), "{ readonly a: string; readonly b?: number; }"),
    ],
)
def test_a_schema_becomes_the_type_of_what_it_allows(schema: Schema, expected: str) -> None:
    assert typed(schema) == expected


def test_a_part_becomes_an_interface_with_its_sentences() -> None:
    schema = told(structure({"a": told(TEXT, "One."), "b": NUMBER}, "b"), "Both.")
    assert declaration("Pair", schema) == (
        "/** Both. */\nexport interface Pair {\n"
        "  /** One. */\n  readonly a: string;\n  readonly b?: number;\n}\n"
    )

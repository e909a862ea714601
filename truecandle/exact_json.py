"""JSON whose numbers keep their exact decimal text, written and read.

Never here: what the objects hold; text that Lua scripts parse byte by byte (candles write theirs).
Invariant: no number with a fraction becomes a float, neither on its way out nor on its way in.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

#: JSON text, such as a decimal number, that is to be written as it is; it is not checked.
Exact = orjson.Fragment


def dumps(value: object) -> bytes:
    """The value as compact JSON; what is `Exact` in it keeps its text."""
    return orjson.dumps(value)


def exact(value: Any) -> Any:
    """The same with every `Decimal` in it as `Exact` text without an exponent."""
    if isinstance(value, Decimal):
        return Exact(f"{value:f}")
    if isinstance(value, dict):
        return {name: exact(one) for name, one in value.items()}
    if isinstance(value, list):
        return [exact(one) for one in value]
    return value


def loads(text: str | bytes) -> Any:
    """The value of a JSON text; a number with a fraction or an exponent stays text.

    Raises `ValueError` or `RecursionError` for what cannot be read.
    """
    return json.loads(text, parse_float=str)

"""JSON whose numbers keep their exact decimal text, written and read.

Never here: what the objects hold; text that Lua scripts parse byte by byte (candles write theirs).
Invariant: no number with a fraction becomes a float, neither on its way out nor on its way in.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

#: JSON text, such as a decimal number, that is to be written as it is; it is not checked.
Exact = orjson.Fragment


def dumps(value: object) -> bytes:
    """The value as compact JSON; what is `Exact` in it keeps its text."""
    return orjson.dumps(value)


def loads(text: str | bytes) -> Any:
    """The value of a JSON text; a number with a fraction or an exponent stays text.

    Raises `ValueError` or `RecursionError` for what cannot be read.
    """
    return json.loads(text, parse_float=str)

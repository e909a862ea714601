"""Fields of JSON bodies that many paths have, checked: choices, switches, ids, lists.

Never here: which fields a body has (`json_body` refuses others), what they mean.
Invariant: a value that is not allowed is refused by its field's name, with what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from truecandle.errors import CandleError
from truecandle.web import json_body

#: Checks a value of the field that is named, and returns it as it is to be stored.
Check = Callable[[str, object], Any]

_is_id = re.compile(r"[A-Za-z0-9_-]{1,16}").fullmatch
_NONE: Final = frozenset[str]()


def one_of(*allowed: str | int) -> Check:
    """A check for one of these, of the same type."""

    def check(name: str, value: object) -> str | int:
        for one in allowed:
            if type(value) is type(one) and value == one:
                return one
        raise CandleError(name, shown(value), ", ".join(map(str, allowed)))

    return check


def boolean(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise CandleError(name, shown(value), "true or false")


def identifier(name: str, value: object) -> str:
    """An id as the page makes them."""
    if isinstance(value, str) and _is_id(value):
        return value
    raise CandleError(name, shown(value), "1 to 16 letters, digits, '-' or '_'")


def checked_object(
    name: str, value: object, checks: Mapping[str, Check], needed: frozenset[str] = _NONE
) -> dict[str, Any]:
    """A JSON object with fields of these only, each checked."""
    if not isinstance(value, dict):
        raise CandleError(name, shown(value), "a JSON object")
    json_body.only(value, name, frozenset(checks), needed)
    return {part: checks[part](part, one) for part, one in value.items()}


def checked_array(name: str, value: object, most: int, what: str) -> list[Any]:
    """A JSON array of at most so many; what is in it is not looked at."""
    if isinstance(value, list) and len(value) <= most:
        return value
    found = f"{len(value)} of them" if isinstance(value, list) else shown(value)
    raise CandleError(name, found, f"an array of at most {most} {what}")


def shown(value: object) -> object:
    """A value of a body as an error tells it."""
    return str(value) if isinstance(value, Decimal) else value

"""Bodies of requests, read strictly: bounded JSON objects without surprises.

Never here: what the fields mean.
Invariant: no float; a name given twice, NaN or Infinity is refused, never settled by guessing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from flask import Request

from truecandle.errors import CandleError
from truecandle.web.errors import Problem

BODY_BYTES_MAX: Final = 4096
NUMBER_CHARS_MAX: Final = 40


def read(
    request: Request, fields: frozenset[str], bytes_max: int = BODY_BYTES_MAX
) -> dict[str, Any]:
    """The JSON object of a request, with just these fields. Decimals are `Decimal`."""
    if request.mimetype != "application/json":
        raise Problem(415, "content-type", "allowed: Content-Type: application/json")
    found = _parsed(_bounded(request, bytes_max))
    only(found, "body", fields, fields)
    return found


def only(
    fields: Mapping[str, Any], where: str, allowed: frozenset[str], needed: frozenset[str]
) -> None:
    """Refuses fields that are not allowed, and the lack of those that are needed."""
    for name in fields:
        if name not in allowed:
            raise CandleError(f"field of {where}", name, ", ".join(sorted(allowed)))
    for name in sorted(needed):
        if name not in fields:
            raise Problem(
                400, "parameter", f"{name} is missing; needed: {', '.join(sorted(needed))}"
            )


def _bounded(request: Request, bytes_max: int) -> bytes:
    if (request.content_length or 0) <= bytes_max:
        body = request.get_data(cache=False)
        if len(body) <= bytes_max:
            return body
    raise Problem(413, "too-large", f"allowed: a body of at most {bytes_max} bytes")


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        body = json.loads(
            text.decode("utf-8"),
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError:
        raise _unreadable("it is not UTF-8") from None
    except RecursionError:
        raise _unreadable("it is nested too deeply") from None
    except (ValueError, InvalidOperation) as error:
        raise _unreadable(str(error)[:200]) from None
    if not isinstance(body, dict):
        raise _unreadable("it is not an object")
    return body


def _unreadable(why: str) -> Problem:
    return Problem(400, "json", f"The body is not acceptable JSON: {why}")


def _decimal(text: str) -> Decimal:
    return Decimal(_short(text))


def _whole(text: str) -> int:
    return int(_short(text))


def _short(text: str) -> str:
    if len(text) > NUMBER_CHARS_MAX:
        raise ValueError(f"a number has more than {NUMBER_CHARS_MAX} characters")
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is given twice")
    return fields

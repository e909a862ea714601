"""Problems in the words of other conventions: of Binance's API, and of TradingView's UDF.

Never here: what is a problem (`errors`), the paths that speak these conventions.
Invariant: whatever goes wrong below a path of theirs is told in the form that its clients read.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from flask import Response

from truecandle.exact_json import dumps

BINANCE: Final = ("/api/v3/", "/ws/")
#: Paths of the exchange's streams; below the first of them lie others.
STREAMS: Final = frozenset({"/ws", "/stream"})
UDF: Final = "/udf/"

#: Of each status the code that the exchange has for it; clients decide by these.
_BINANCE_CODES: Final = {
    400: -1100,
    401: -2015,
    403: -2015,
    404: -5000,
    405: -5000,
    429: -1003,
    503: -1001,
}
_UNKNOWN: Final = -1000


def form_of(path: str) -> Callable[[int, str], Response] | None:
    """What makes the answer of a status and a sentence; None where problem+json is spoken."""
    if path.startswith(BINANCE) or path in STREAMS:
        return binance
    return udf if path.startswith(UDF) else None


def binance(status: int, detail: str, code: int | None = None) -> Response:
    """`{"code", "msg"}`."""
    if status == HTTPStatus.UNAUTHORIZED:
        detail = "Invalid API-key: send a token of this server as X-MBX-APIKEY."
    found = _BINANCE_CODES.get(status, _UNKNOWN) if code is None else code
    return Response(dumps({"code": found, "msg": detail}), status, mimetype="application/json")


def udf(status: int, detail: str) -> Response:
    """`{"s": "error", "errmsg"}`."""
    return Response(dumps({"s": "error", "errmsg": detail}), status, mimetype="application/json")

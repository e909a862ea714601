"""Every path described: what it takes, by the declarations that check its requests, and answers.

Never here: the document itself (`openapi`), what answers look like (`api_schemas`).
Invariant: every route of the application is here, and nothing else; a test holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from truecandle.web import api_schemas as shapes
from truecandle.web import binance_params, data_request, query, udf
from truecandle.web.data_formats import MIMETYPES
from truecandle.web.json_schema import (
    ANY_OBJECT,
    MS,
    TEXT,
    WHOLE,
    Schema,
    body,
    listed,
    part,
    structure,
)
from truecandle.web.parameters import Parameter
from truecandle.web.user_schemas import document_members

JSON: Final = "application/json"
#: What else the paths that read may say, and why.
PROBLEMS: Final = {
    400: "A parameter is wrong: the detail names it, its value and what is allowed.",
    401: "Nobody is signed in, and no token was sent.",
    403: "The one who asks may not do this.",
    404: "There is no such thing here, or it is not followed.",
    408: "The request came too slowly.",
    409: "What is there already stands against it.",
    413: "The body is larger than is taken.",
    415: "The body is not of the content type that is taken.",
    426: "This is a WebSocket: `Upgrade` is missing.",
    422: "The exchange lists no such market.",
    429: "More was asked for than is allowed in this time; `Retry-After` says until when.",
    501: "The format needs a library that this server has not installed.",
    503: "The store, or what is needed of it, does not answer at the moment; `Retry-After`.",
}
READS: Final = (400, 401, 404, 429, 503)
_CHANGES: Final = (400, 401, 403, 408, 413, 415, 429, 503)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answers`: by status the content types with their schemas (None: no
    body); `problems`: the statuses of refusals.
    """

    answers: Mapping[int, Mapping[str, Schema | None]]
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter[Any], ...] = ()
    body: Schema | None = None
    headers: tuple[str, ...] = field(default=())


def _json(schema: Schema, *problems: int, **more: Any) -> Operation:
    return Operation({200: {JSON: schema}}, problems, **more)


def _read(schema: Schema, *parameters: Parameter[Any]) -> Operation:
    return _json(schema, *READS, parameters=parameters)


def _page(*problems: int) -> Operation:
    """A page for people: HTML, or the way to another one."""
    return Operation({200: {"text/html": {"type": "string"}}, 303: {}}, problems)


def _saved(what: str, kept: Schema, answer: str) -> Operation:
    """A document of a user, in place of the version that is named."""
    taken = body(document_members(what, kept))
    return _json(part(answer), *(*_CHANGES, 409), body=taken)


_ETAG: Final = ("ETag", "Link", "TrueCandle-Version")
_DATA: Final = Operation(
    {
        200: {
            mimetype: shapes.DATA if mimetype == JSON else {"type": "string"}
            for mimetype in dict.fromkeys(MIMETYPES.values())
        },
        304: {},
    },
    (*READS, 501),
    data_request.DATA,
    headers=_ETAG,
)
_SERIES_BODY: Final = {"symbol": shapes.NAME, "interval": shapes.INTERVAL}
#: A WebSocket; what is said on it is in docs/streams.md.
_STREAM: Final = Operation({101: {}}, (400, 401, 426, 429, 503))
_FORM: Final = _page(400, 401, 403, 408, 413, 429, 503)

OPERATIONS: Final[dict[str, Operation]] = {
    "GET /data": _DATA,
    "GET /live-candle": _read(part("LiveAnswer"), *query.SERIES),
    "POST /save-live-candle": _json(
        part("SaveAnswer"),
        *(*_CHANGES, 404),
        body=body({**_SERIES_BODY, "candle": ANY_OBJECT}),
    ),
    "GET /gaps": _read(part("GapsAnswer"), *query.LIST),
    "GET /corrections": _read(part("CorrectionsAnswer"), *query.LIST),
    "GET /audit": _read(part("AuditAnswer"), *query.LIST, query.SUMMARY),
    "GET /history": _read(part("HistoryAnswer"), *query.SERIES),
    "POST /history": Operation(
        {202: {JSON: part("HistoryAnswer")}},
        (*_CHANGES, 404),
        body=body({**_SERIES_BODY, "from": MS}),
    ),
    "GET /markets": _read(part("MarketsAnswer")),
    "POST /markets": Operation(
        {200: {JSON: part("Market")}, 201: {JSON: part("Market")}},
        (*_CHANGES, 409, 422),
        body=body({"symbol": shapes.NAME}),
    ),
    "DELETE /markets/<symbol>": Operation({204: {}}, (*_CHANGES, 404, 409)),
    "GET /exchange/markets": Operation(
        {200: {JSON: part("ExchangeMarketsAnswer")}, 304: {}},
        READS,
        (query.SYMBOLS,),
        headers=("ETag",),
    ),
    "GET /settings": _read(part("SettingsAnswer")),
    "PUT /settings": _json(
        part("SettingsAnswer"), *_CHANGES, body=body({"settings": part("UserSettings")})
    ),
    "GET /drawings/<symbol>": _read(part("DrawingsAnswer")),
    "PUT /drawings/<symbol>": _saved("drawings", listed(part("StoredDrawing")), "DrawingsAnswer"),
    "GET /layouts": _read(part("LayoutsAnswer")),
    "GET /layouts/<name>": _read(part("LayoutAnswer")),
    "PUT /layouts/<name>": _saved("layout", ANY_OBJECT, "LayoutAnswer"),
    "DELETE /layouts/<name>": Operation({204: {}}, (*_CHANGES, 404)),
    "GET /study-templates": _read(part("StudyTemplatesAnswer")),
    "PUT /study-templates/<name>": _saved("studies", listed(part("StudyFields")), "StudyTemplate"),
    "DELETE /study-templates/<name>": Operation({204: {}}, (*_CHANGES, 404)),
    "GET /healthz": _json(ANY_OBJECT),
    "GET /readyz": Operation({200: {JSON: shapes.READY}, 503: {JSON: shapes.READY}}),
    "GET /metrics": Operation({200: {"text/plain": {"type": "string"}}}, (401,)),
    "GET /openapi.json": _json(ANY_OBJECT),
    "GET /docs": Operation({200: {"text/html": {"type": "string"}}}),
    "GET /asyncapi.json": _json(ANY_OBJECT),
    "GET /docs/events": Operation({200: {"text/html": {"type": "string"}}}),
    "GET /api/v3/ping": _read(structure({})),
    "GET /api/v3/time": _read(structure({"serverTime": WHOLE})),
    "GET /api/v3/exchangeInfo": _read(shapes.INFO, *binance_params.INFO),
    "GET /api/v3/klines": _read(listed(part("Kline")), *binance_params.KLINES),
    "GET /api/v3/uiKlines": _read(listed(part("Kline")), *binance_params.KLINES),
    "GET /api/v3/aggTrades": _read(listed(part("AggTrade")), *binance_params.TRADES),
    "GET /api/v3/ticker/price": _read(shapes.one_or_many(shapes.PRICE), *binance_params.PRICES),
    "GET /api/v3/ticker/24hr": _read(shapes.one_or_many(shapes.DAY), *binance_params.DAY),
    "GET /api/v3/<path:name>": Operation({}, READS),
    "GET /ws": _STREAM,
    "GET /ws/<path:names>": _STREAM,
    "GET /stream": _STREAM,
    "GET /events": Operation({200: {"text/event-stream": shapes.SENT_EVENT}}, READS, query.SERIES),
    "GET /udf/config": _read(ANY_OBJECT),
    "GET /udf/time": Operation({200: {"text/plain": {"type": "string"}}}, READS),
    "GET /udf/symbols": _read(ANY_OBJECT, udf.SYMBOL),
    "GET /udf/search": _read(listed(ANY_OBJECT), *udf.SEARCH),
    "GET /udf/history": _read(shapes.UDF_HISTORY, *udf.HISTORY),
    "GET /udf/marks": _read(shapes.UDF_MARKS, *udf.MARKS),
    "GET /": _page(503),
    "GET /login": _page(503),
    "POST /login": _FORM,
    "GET /login/code": _page(503),
    "POST /login/code": _FORM,
    "POST /login/link": _json(part("LinkAnswer"), *_CHANGES, body=body({"link": TEXT})),
    "POST /logout": _FORM,
    "GET /account": _page(401, 403, 503),
    **{
        f"POST /account/{name}": _FORM
        for name in (
            *("password", "sessions/end", "tokens", "tokens/end", "second-factor"),
            *("second-factor/confirm", "second-factor/off", "users/role"),
        )
    },
    "GET /static/<name>": Operation({200: {"*/*": {"type": "string"}}, 206: {}, 304: {}}, (404,)),
}

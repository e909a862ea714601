"""How a scripted fault changes a REST answer: another answer, other rows, a broken transport.

Never here: when a fault strikes (`faults` decides it).
Invariant: without a fault an answer passes unchanged.
"""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson
from aiohttp import web

from truecandle.sim.faults import Fault
from truecandle.sim.limits import Limits

JSON = "application/json;charset=UTF-8"
HTML = "text/html"

#: No scripted wait keeps a connection longer.
WAIT_MAX_S = 600

_CHUNK = 65_536

_PAGE = (
    "<!DOCTYPE HTML>\n<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD>"
    '<BODY>\n<H1>403 ERROR</H1>\n<HR noshade size="1px">\nRequest blocked.\n</BODY></HTML>'
)
_RESTRICTED = (
    '{\n  "code": 0,\n  "msg": "Service unavailable from a restricted location '
    "according to 'b. Eligibility'.\"\n}"
)

Row = list[Any]


@dataclass(slots=True)
class SimulatedAnswer:
    """A whole answer before it goes out."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def scripted(fault: Fault, limits: Limits) -> SimulatedAnswer:
    """The answer that a fault gives instead of the real one."""
    options = fault.options
    match fault.kind:
        case "rate_limit" | "ban":
            return _limited(fault, limits)
        case "forbidden":
            return SimulatedAnswer(403, _PAGE.encode(), HTML)
        case "restricted":
            return SimulatedAnswer(451, _RESTRICTED.encode())
        case "server_error":
            return SimulatedAnswer(
                options.get("status", 503), options.get("body", "").encode(), HTML
            )
        case "html":
            return SimulatedAnswer(200, _PAGE.encode(), HTML)
        case "empty":
            return SimulatedAnswer(200, b"[]")
        case "error_200":
            code, text = options.get("code", -1121), options.get("msg", "Invalid symbol.")
            return SimulatedAnswer(200, f'{{"code":{code},"msg":"{text}"}}'.encode())
        case "redirect":
            location = options.get("location", "http://127.0.0.1:9/")
            return SimulatedAnswer(302, b"", HTML, {"Location": location})
    return SimulatedAnswer(
        options.get("status", 500),
        options.get("body", "").encode(),
        options.get("content_type", JSON),
        {str(name): str(value) for name, value in options.get("headers", {}).items()},
    )


def _limited(fault: Fault, limits: Limits) -> SimulatedAnswer:
    """429 or 418. A `Retry-After` that makes sense is enforced, or `hold` seconds are."""
    default = "3" if fault.kind == "rate_limit" else "120"
    told = fault.options.get("retry_after", default)
    seconds = float(fault.options.get("hold", told if str(told).isdecimal() else 0))
    refused = limits.hold(seconds) if fault.kind == "rate_limit" else limits.ban(seconds)
    headers = {} if told is None else {"Retry-After": str(told)}
    return SimulatedAnswer(refused.status, orjson.dumps(refused.body), JSON, headers)


def damaged(rows: list[Row], fault: Fault) -> list[Row]:
    """The rows of a klines answer after a fault. The given rows stay as they are."""
    rows = [list(row) for row in rows]
    options = fault.options
    at = options.get("row", -2)
    if not rows or not -len(rows) <= at < len(rows):
        return rows
    match fault.kind:
        case "duplicate":
            return list(chain.from_iterable((row, row) for row in rows))
        case "conflict":
            other = [*rows[at][:4], rows[at][1], "1.00000000", *rows[at][6:]]
            rows.insert(len(rows) + at if at < 0 else at, other)
        case "shuffle":
            random.Random(fault.id).shuffle(rows)
        case "microseconds":
            return [[r[0] * 1000, *r[1:6], r[6] * 1000 + 999, *r[7:]] for r in rows]
        case "misaligned":
            return [[row[0] + options.get("ms", 1_694_789), *row[1:]] for row in rows]
        case "columns":
            wanted = options.get("columns", 11)
            return [(row + ["0"] * wanted)[:wanted] for row in rows]
        case "value":
            rows[at][options.get("field", 2)] = options.get("value", "NaN")
        case "odd_row":
            rows[at] = options.get("value")  # type: ignore[assignment]
        case "crossed":
            rows[at][2], rows[at][3] = rows[at][3], rows[at][2]
    return rows


def odd_trades(rows: list[Any], fault: Fault) -> list[Any]:
    """The rows of an aggTrades answer, one of them as no trade can be. Few rows stay as they are:
    the row has to be there.
    """
    at, how = fault.options.get("row", -2), fault.options.get("how", "double")
    if not -len(rows) <= at < len(rows):
        return rows
    rows = list(rows)
    match how:
        case "double":
            rows.insert(at, rows[at])
        case "void":
            rows[at] = {**rows[at], "p": "0.00000000", "q": "0.00000000", "f": -1, "l": -1}
        case "earlier":
            rows[at] = {**rows[at], "a": rows[0]["a"]}
        case "foreign":
            rows[at] = {**rows[at], "s": "XXXUSDT"}
        case "null" | "no_list":
            rows[at] = None if how == "null" else "a text"
    return rows


def odd_listings(answer: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """An exchangeInfo answer, one of whose symbols is none."""
    symbols, at = list(answer["symbols"]), fault.options.get("row", 0)
    if -len(symbols) <= at < len(symbols):
        symbols[at] = fault.options.get("value")
    return {**answer, "symbols": symbols}


async def send(
    request: web.Request, answer: SimulatedAnswer, faults: Mapping[str, Fault]
) -> web.StreamResponse:
    """Sends the answer; the transport faults among `faults` (by kind) do their work."""
    headers = answer.headers | {"Content-Type": answer.content_type}
    body = answer.body
    if "truncate" in faults:
        body = body[: int(len(body) * faults["truncate"].options.get("share", 0.5))]
    if "huge" in faults:
        return await _send_huge(request, body, headers, faults["huge"])
    if "cut" in faults:
        return await _send_cut(request, body, headers, faults["cut"])
    if "drip" in faults:
        return await _send_slowly(request, body, headers, faults["drip"])
    return web.Response(status=answer.status, body=body, headers=headers)


async def hang(request: web.Request, seconds: float) -> web.StreamResponse:
    """Never answers: waits, and ends the connection."""
    await asyncio.sleep(min(seconds, WAIT_MAX_S))
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _send_cut(
    request: web.Request, body: bytes, headers: dict[str, str], fault: Fault
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: fault.options.get("at", 100)])
    if request.transport is not None:
        if fault.options.get("reset", False):
            request.transport.abort()
        else:
            request.transport.close()
    return response


async def _send_slowly(
    request: web.Request, body: bytes, headers: dict[str, str], fault: Fault
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    rate = max(1, fault.options.get("bytes_per_s", 1))
    for start in range(0, min(len(body), rate * WAIT_MAX_S), rate):
        await response.write(body[start : start + rate])
        await asyncio.sleep(1)
    return response


async def _send_huge(
    request: web.Request, body: bytes, headers: dict[str, str], fault: Fault
) -> web.StreamResponse:
    chunks = max(1, int(fault.options.get("mb", 100) * 1_000_000) // _CHUNK)
    space = b" " * _CHUNK
    if fault.options.get("gzip", False):
        # Gzip members may follow each other; each small one unpacks to a whole chunk.
        headers = headers | {"Content-Encoding": "gzip"}
        space, body = gzip.compress(space), gzip.compress(body)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    for _ in range(chunks):
        await response.write(space)
    await response.write(body)
    return response

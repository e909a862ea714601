"""Compression of answers: pages and JSON, by what the reader accepts; and their ETags.

Never here: the browser's files, which lie compressed on disk (`assets`); secrets in a page, which
are masked so that compressing it tells nothing of them (`csrf`).
Invariant: an ETag names one coding of one answer, and whoever comes back with it gets a 304 before
anything is compressed. What is small, or coded already, is left as it is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import brotli
from flask import Flask, Response, g, request
from werkzeug.datastructures import ETags

from truecandle.web import assets
from truecandle.web.services import services

TYPES: Final = frozenset(
    {
        *("text/html", "application/json", "application/problem+json"),
        *("text/csv", "application/x-ndjson"),
    }
)
#: Below this, headers and packets cost more than is saved.
BYTES_MIN: Final = 1_024
#: The codings, best first, with levels that cost a page of 500 candles half a millisecond
#: (docs/decisions/0022-compression.md).
LEVELS: Final = {"br": 4, "gzip": 4}
#: Above this, it takes long enough to keep others waiting.
BESIDE_BYTES: Final = 65_536

#: How the ETag of a coded answer ends: `"5f…:br"`.
_CODED: Final = re.compile(r':(?:br|gzip)(?=")')
_GZIP: Final = zlib.MAX_WBITS | 16


def init_app(app: Flask) -> None:
    app.before_request(_read_etags)
    app.after_request(_finish)


def respond(body: bytes, coded: dict[str, bytes] | None = None) -> Response:
    """A JSON answer. With `coded` what it was compressed to is kept there for the next reader."""
    coding = accepted()
    if coded is None or not coding or len(body) < BYTES_MIN:
        return Response(body, mimetype="application/json")
    if coding not in coded:
        coded[coding] = _compressed(body, coding)
    response = Response(coded[coding], mimetype="application/json")
    response.content_encoding = coding
    return response


def compress(body: bytes, coding: str) -> bytes:
    """`body` in one of `LEVELS`' codings."""
    if coding == "br":
        return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=LEVELS[coding]))
    packer = zlib.compressobj(LEVELS[coding], zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()


def stream(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """What comes piece by piece, in one of `LEVELS`' codings or ("") as it is, as it comes."""
    if not coding:
        return (chunk for chunk in chunks if chunk)
    return _packed(chunks, coding, services().server.run_blocking)


def _packed(chunks: Iterable[bytes], coding: str, beside: Callable[..., bytes]) -> Iterator[bytes]:
    pack: Callable[[bytes], bytes]
    if coding == "br":
        brotli_packer = brotli.Compressor(mode=brotli.MODE_TEXT, quality=LEVELS[coding])
        pack, end = brotli_packer.process, brotli_packer.finish
    else:
        packer = zlib.compressobj(LEVELS[coding], zlib.DEFLATED, _GZIP)
        pack, end = packer.compress, packer.flush
    for chunk in chunks:
        packed = beside(pack, chunk) if len(chunk) >= BESIDE_BYTES else pack(chunk)
        if packed:
            yield packed
    yield end()


def _compressed(body: bytes, coding: str) -> bytes:
    """Long bodies beside the hub, so that nobody waits for them."""
    if len(body) < BESIDE_BYTES:
        return compress(body, coding)
    return services().server.run_blocking(compress, body, coding)


def accepted() -> str:
    """The coding that the reader likes best; ours decides where all are alike, "" is none."""
    accepted = request.accept_encodings
    found = max(LEVELS, key=lambda coding: accepted[coding])
    return found if accepted[found] > 0 and accepted[found] >= accepted["identity"] else ""


def _read_etags() -> None:
    """Views know an answer by its content alone: what its coding adds to the ETag is taken off."""
    given = request.headers.get("If-None-Match", "")
    if _CODED.search(given):
        g.etags = request.if_none_match
        request.environ["HTTP_IF_NONE_MATCH"] = _CODED.sub("", given)
        del request.if_none_match


def _finish(response: Response) -> Response:
    if request.blueprint == assets.bp.name or response.is_streamed:
        return response
    if response.status_code == 304:
        _name_as_asked(response)
        response.vary.add("Accept-Encoding")
    elif response.mimetype in TYPES:
        _encode(response)
        response.vary.add("Accept-Encoding")
    return response


def _encode(response: Response) -> None:
    coding = response.content_encoding or ""
    if not coding:
        body = response.get_data()
        coding = accepted() if len(body) >= BYTES_MIN else ""
        if not coding:
            return
        response.set_data(_compressed(body, coding))
        response.content_encoding = coding
    etag, is_weak = response.get_etag()
    if etag:
        response.set_etag(f"{etag}:{coding}", weak=bool(is_weak))


def _name_as_asked(response: Response) -> None:
    """A 304 carries the ETag of the answer that the reader has."""
    etag, is_weak = response.get_etag()
    known: ETags = g.get("etags", ETags())
    for coding in LEVELS:
        if known.contains_weak(f"{etag}:{coding}"):
            response.set_etag(f"{etag}:{coding}", weak=bool(is_weak))

"""The answers of `/data`, and those that nothing but the version decides, kept for who asks again.

Official candles as columns change with the version of their series, and with nothing else. Live
candles, what is missing and marks change without it: an answer with any of them is made anew.

Never here: Flask, who may ask, how the versions are read (`store/versions`).
Invariant: what was kept is given again only under the version that was read for this request, and
that version was read in one instant with the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from redis import Redis

from truecandle.exact_json import Exact, dumps
from truecandle.store import pages
from truecandle.store.pages import Query
from truecandle.web import codings
from truecandle.web.byte_cache import ByteCache
from truecandle.web.column_blocks import ColumnBlocks, ColumnTexts
from truecandle.web.json_response import PRIVATE, VARY
from truecandle.web.keyed_locks import KeyedLocks
from truecandle.web.query import DataQuery
from truecandle.web.server import WebServer

PATH: Final = "/data"
#: What all answers that are kept may count together, in every coding.
ANSWERS_BYTES_MAX: Final = 64 << 20
#: Part of every ETag: another shape of the answer is another answer.
_SHAPE: Final = b"3"

_COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")
_JSON: Final = ("Content-Type", "application/json")
_PRIVATE: Final = ("Cache-Control", PRIVATE)
_VARY: Final = ("Vary", ", ".join((*VARY, "Accept-Encoding")))


class ColumnRequest(NamedTuple):
    """A request: what it asks for, and its parameters as they were given."""

    query: DataQuery
    parameters: dict[str, str]


class ColumnAnswer(NamedTuple):
    """An answer: status, headers but for those that every answer has, and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class _Kept:
    """A body under a version, and in the codings it was asked for in so far; `edge` is the open
    time in ms next to which the neighbouring page is, if there is one.
    """

    version: int
    etag: str
    body: bytes
    edge: bytes
    coded: dict[str, bytes] = field(default_factory=dict)

    def in_coding(self, accepted: str) -> tuple[str, bytes | None]:
        """The coding for a reader who likes that one best, "" for none; and the body in it."""
        if not accepted or len(self.body) < codings.BYTES_MIN:
            return "", self.body
        return accepted, self.coded.get(accepted)

    @property
    def size(self) -> int:
        return len(self.body) + sum(map(len, self.coded.values()))


class ColumnAnswers:
    """Answers for a whole process. Safe between threads, real and green."""

    def __init__(self, redis: Redis, server: WebServer) -> None:
        self._redis = redis
        self._server = server
        self._kept: ByteCache[str, _Kept] = ByteCache(ANSWERS_BYTES_MAX)
        self._blocks = ColumnBlocks()
        self._making = KeyedLocks()

    def ready(
        self, asked: ColumnRequest, version: int, environ: Mapping[str, Any]
    ) -> ColumnAnswer | None:
        """The answer to who asks while the series has that version, without reading a row; None
        if it has to be made.
        """
        if not version:
            return None
        if (known := _known(environ, etag(asked.query, b"%d" % version))) is not None:
            return known
        kept = self._kept.get(asked.query.key)
        if kept is None or kept.version != version:
            # Nor from a greater one: a store that was put back has an earlier version again.
            return None
        coding, body = kept.in_coding(_accepted(environ))
        return None if body is None else _given(asked, kept, coding, body, environ)

    def make(self, asked: ColumnRequest, version: int, environ: Mapping[str, Any]) -> ColumnAnswer:
        """The same made, or by somebody else meanwhile; raises a `StoreError`."""
        with self._making.held(asked.query.key):
            given = self.ready(asked, version, environ)
            return given or self._made(asked, version, environ)

    def _made(self, asked: ColumnRequest, version: int, environ: Mapping[str, Any]) -> ColumnAnswer:
        key = asked.query.key
        kept = self._kept.get(key)
        if kept is None or not version or kept.version != version:
            kept = self._read(asked.query)
        if (known := _known(environ, kept.etag)) is not None:
            return known
        coding, body = kept.in_coding(_accepted(environ))
        if body is None:
            body = kept.coded[coding] = self._compressed(kept.body, coding)
        if kept.version:
            self._kept.put(key, kept, kept.size)
        return _given(asked, kept, coding, body, environ)

    def _read(self, query: DataQuery) -> _Kept:
        page = pages.read(self._redis, query.series, query.query)
        texts = self._blocks.texts(query.series, page.members, is_iso=query.is_iso)
        state = [b"%d" % page.version] if page.version else [b"%d" % page.has_more, *page.members]
        edge = texts.last if query.query.is_forward else texts.first
        return _Kept(
            version=page.version,
            etag=etag(query, *state),
            body=columns_json(query, page.version, texts, has_more=page.has_more),
            edge=edge if page.has_more else b"",
        )

    def _compressed(self, body: bytes, coding: str) -> bytes:
        """Long bodies beside the hub, so that nobody waits for them."""
        if len(body) < codings.BESIDE_BYTES:
            return codings.compress(body, coding)
        return self._server.run_blocking(codings.compress, body, coding)


def etag(query: DataQuery, *state: bytes) -> str:
    """Changes with the request and with all that `state` tells of the series."""
    parts = (_SHAPE, query.key.encode(), *state)
    return hashlib.blake2b(b"\n".join(parts), digest_size=16).hexdigest()


def columns_json(
    query: DataQuery,
    version: int,
    texts: ColumnTexts,
    *,
    has_more: bool,
    beside: Mapping[str, Any] | None = None,
) -> bytes:
    """The body; `beside` are the fields that only some ask for."""
    columns = (Exact(b"[%b]" % column) for column in texts.columns)
    fields: dict[str, Any] = {
        "symbol": query.series.symbol,
        "interval": query.series.interval.name,
        "version": version,
        "count": texts.count,
        **dict(zip(_COLUMNS, columns, strict=True)),
        "has_more": has_more,
    }
    return dumps(fields | dict(beside or {}))


def link(query: Query, parameters: Mapping[str, str], edge_ms: int, script_root: str) -> str:
    """Where the neighbour of a page is that ends there: with `query.is_forward` the newer one, from
    its last candle on, else the older one, before its first.
    """
    return _link(tuple(parameters.items()), query.is_forward, edge_ms, script_root)


@lru_cache(maxsize=1_000)
def _link(
    parameters: tuple[tuple[str, str], ...], is_forward: bool, edge_ms: int, script_root: str
) -> str:
    relation, name = ("next", "start") if is_forward else ("prev", "before")
    query = urlencode(dict(parameters) | {name: str(edge_ms + is_forward)})
    return f'<{script_root}{PATH}?{query}>; rel="{relation}"'


def _accepted(environ: Mapping[str, Any]) -> str:
    return codings.accepted(environ.get("HTTP_ACCEPT_ENCODING", ""))


def _known(environ: Mapping[str, Any], tag: str) -> ColumnAnswer | None:
    """The answer to who has it already."""
    header = environ.get("HTTP_IF_NONE_MATCH")
    name = codings.known_etag(header, tag) if header else None
    if name is None:
        return None
    return ColumnAnswer(304, [("ETag", f'"{name}"'), _PRIVATE, _VARY], b"")


def _given(
    asked: ColumnRequest, kept: _Kept, coding: str, body: bytes, environ: Mapping[str, Any]
) -> ColumnAnswer:
    name = codings.coded_etag(kept.etag, coding)
    headers = [_JSON, ("ETag", f'"{name}"'), _PRIVATE, _VARY]
    if coding:
        headers.append(("Content-Encoding", coding))
    if kept.edge:
        told = (asked.query.query, asked.parameters, int(kept.edge), environ.get("SCRIPT_NAME", ""))
        headers.append(("Link", link(*told)))
    return ColumnAnswer(200, headers, body)

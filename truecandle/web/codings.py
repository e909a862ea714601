"""Codings that answers are sent in: which there are, which one a reader gets, what its ETag says.

Never here: Flask, which answers are compressed (`compression`, `column_answers`).
Invariant: an ETag names one coding of one answer: `"5f…:br"`; without a coding, none.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import brotli
from backports import zstd
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags

#: The codings, best first, with levels that cost a page of 500 candles half a millisecond at most
#: (docs/decisions/0022-compression.md, 0036-two-doors-to-data.md).
LEVELS: Final = {"br": 4, "zstd": 3, "gzip": 4}
#: Below this, headers and packets cost more than is saved.
BYTES_MIN: Final = 1_024
#: Above this, it takes long enough to keep others waiting.
BESIDE_BYTES: Final = 65_536

_GZIP: Final = zlib.MAX_WBITS | 16


def compress(body: bytes, coding: str) -> bytes:
    """`body` in one of `LEVELS`' codings."""
    pack, end = packer(coding)
    return pack(body) + end()


def packer(coding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """What packs piece by piece, and what gives the end of it."""
    level = LEVELS[coding]
    if coding == "zstd":
        frame = zstd.ZstdCompressor(level)
        return frame.compress, frame.flush
    if coding == "br":
        text = brotli.Compressor(mode=brotli.MODE_TEXT, quality=level)
        return text.process, text.finish
    file = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return file.compress, file.flush


@lru_cache(maxsize=100)
def accepted(header: str) -> str:
    """The coding that a reader with this `Accept-Encoding` likes best; ours decides where all are
    alike, "" is none.
    """
    liked: Accept = parse_accept_header(header)
    found = max(LEVELS, key=lambda coding: liked[coding])
    return found if liked[found] > 0 and liked[found] >= liked["identity"] else ""


def coded_etag(etag: str, coding: str) -> str:
    """The ETag of that answer in that coding, or "" for none; without its quotes."""
    return f"{etag}:{coding}" if coding else etag


def known_etag(header: str, etag: str) -> str | None:
    """The ETag by which a reader with this `If-None-Match` has the answer already, in whichever
    coding; None if it has not.
    """
    given = parse_etags(header)
    if given.star_tag:
        return etag
    names = (etag, *(coded_etag(etag, coding) for coding in LEVELS))
    return next((name for name in names if given.is_strong(name)), None)

"""Heads of HTTP requests, looked at before any server reads them: one strict grammar in every mode.

Three servers read HTTP here, each lenient in its own way. What one proxy and one server would read
differently is refused instead, so that a request ends for all of them at the same byte.

Never here: sockets, clocks, paths, what a header means to the application.
Invariant: a head that passes is RFC 9112's, says once how long its body is, and no name or value in
it is repeated in a refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from truecandle.web.socket_limits import HEAD_BYTES_MAX, HEADER_LINES_MAX, LINE_BYTES_MAX

END: Final = b"\r\n\r\n"
_LINE_END: Final = b"\r\n"
_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST: Final = re.compile(rb"(%b) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])" % _TOKEN)
#: Only visible characters, blanks and tabs, and bytes beyond ASCII: nothing that steers a terminal.
_FIELD: Final = re.compile(rb"(%b):[ \t]*([\t\x20-\x7e\x80-\xff]*)" % _TOKEN)
#: Half of a line's end. Others take it for a whole one.
_LONE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
_LENGTH: Final = re.compile("[0-9]{1,15}")


class HeadRefused(Exception):
    """A request that goes no further: the status and the problem that it is answered with."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class RequestHead:
    """`fields` are the headers, name and value as they came, without those that WSGI would mix up;
    `data` is the same head as text, for a server that has a reader of its own.
    """

    method: str
    target: str
    version: str
    fields: tuple[tuple[str, str], ...]
    body_bytes: int

    @property
    def data(self) -> bytes:
        lines = (f"{name}: {value}\r\n" for name, value in self.fields)
        first = f"{self.method} {self.target} {self.version}\r\n"
        return "".join([first, *lines, "\r\n"]).encode("latin-1")


def split(received: bytes) -> tuple[RequestHead, bytes] | None:
    """The head that these bytes begin with, and what follows it; None while it is not whole.

    Raises `HeadRefused`, also for a head that has grown too long before it was whole.
    """
    end = received.find(END)
    if end < 0:
        _check_growing(received)
        return None
    return _read(received[:end]), received[end + len(END) :]


def _check_growing(received: bytes) -> None:
    line = received.split(b"\n", 1)[0]
    if len(line) > LINE_BYTES_MAX:
        raise _too_long_line()
    if len(received) > HEAD_BYTES_MAX:
        raise _too_long_head()
    if _LONE.search(received) or (received and not _could_begin(received)):
        raise _malformed("The first line is none of HTTP/1.1: METHOD TARGET HTTP/1.1")


def _could_begin(received: bytes) -> bool:
    """Whether that is the beginning of some method: anything else need not be waited for."""
    return re.match(rb"%b(?: |$)" % _TOKEN, received) is not None


def _read(head: bytes) -> RequestHead:
    first, *lines = head.split(_LINE_END)
    if len(first) > LINE_BYTES_MAX:
        raise _too_long_line()
    if len(head) > HEAD_BYTES_MAX or len(lines) > HEADER_LINES_MAX:
        raise _too_long_head()
    method, target, version = _request(first)
    fields = [_field(line) for line in lines]
    names = [name.lower() for name, _ in fields]
    if names.count("host") > 1:
        raise _malformed("There is more than one Host.")
    lengths = [fields[at][1] for at, name in enumerate(names) if name == "content-length"]
    body_bytes = _body_bytes(lengths, has_coding="transfer-encoding" in names)
    if method == "HEAD" and body_bytes:
        raise _malformed("A HEAD request has no body.")
    kept = tuple(field for field in fields if "_" not in field[0])
    return RequestHead(method, target, version, kept, body_bytes)


def _request(line: bytes) -> tuple[str, str, str]:
    """Method, target and version of a first line that is sound."""
    found = _REQUEST.fullmatch(line)
    if found is None:
        raise _malformed("The first line is none of HTTP/1.1: METHOD TARGET HTTP/1.1")
    method, target, major, minor = found.groups()
    if (major, minor) not in ((b"1", b"1"), (b"1", b"0")):
        raise HeadRefused(505, "version", "allowed: HTTP/1.1, HTTP/1.0")
    if not target.startswith(b"/"):
        raise _malformed("The target of a request begins with / here.")
    return method.decode(), target.decode(), f"HTTP/{major.decode()}.{minor.decode()}"


def _field(line: bytes) -> tuple[str, str]:
    """Name and value, each byte a character, as WSGI has it."""
    if len(line) > LINE_BYTES_MAX:
        raise _too_long_head()
    found = _FIELD.fullmatch(line)
    if found is None:
        raise _malformed("A line among the headers is none: NAME: VALUE, on one line.")
    name, value = found.groups()
    return name.decode(), value.decode("latin-1").rstrip(" \t")


def _body_bytes(lengths: list[str], *, has_coding: bool) -> int:
    """How long the body is. `Transfer-Encoding` is read by no server of ours as by the others."""
    if has_coding:
        if lengths:
            raise _malformed("Content-Length and Transfer-Encoding don't go together.")
        raise HeadRefused(411, "length", "A body is taken with Content-Length only.")
    if len(lengths) > 1:
        raise _malformed("There is more than one Content-Length.")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise _malformed("Content-Length is no whole number.")
    return int(lengths[0]) if lengths else 0


def _malformed(detail: str) -> HeadRefused:
    return HeadRefused(400, "malformed", detail)


def _too_long_line() -> HeadRefused:
    detail = f"This address is too long; allowed: a first line of {LINE_BYTES_MAX:,} bytes"
    return HeadRefused(414, "too-large", detail)


def _too_long_head() -> HeadRefused:
    detail = (
        f"These headers are too long; allowed: {HEADER_LINES_MAX} of them, {LINE_BYTES_MAX:,} "
        f"bytes each and {HEAD_BYTES_MAX:,} in all"
    )
    return HeadRefused(431, "too-large", detail)

"""The grammar of heads: what passes ends for every server at the same byte, all else is refused.

Never here: sockets (`test_request_reader`).
Invariant: each refusal is one that a proxy or a server somewhere reads differently, or a bound.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.raw_http import HOST, request
from truecandle.web.request_head import HeadRefused, split
from truecandle.web.socket_limits import HEAD_BYTES_MAX, HEADER_LINES_MAX, LINE_BYTES_MAX

GET = b"GET /healthz HTTP/1.1"
REFUSED = {
    "differing lengths": (400, request(GET, b"Content-Length: 0", b"Content-Length: 48")),
    "equal lengths": (400, request(GET, b"Content-Length: 5", b"content-length: 5")),
    "a list of lengths": (400, request(GET, b"Content-Length: 5, 5")),
    "a length with a sign": (400, request(GET, b"Content-Length: +5")),
    "a length below zero": (400, request(GET, b"Content-Length: -1")),
    "a length with a blank": (400, request(GET, b"Content-Length: 1 0")),
    "a length in hexadecimal": (400, request(GET, b"Content-Length: 0x5")),
    "an empty length": (400, request(GET, b"Content-Length:")),
    "a length of other digits": (400, request(GET, "Content-Length: ٣".encode())),
    "length and encoding": (
        400, request(GET, b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    ),
    "chunks": (411, request(b"POST /login HTTP/1.1", b"Transfer-Encoding: chunked")),
    "an unknown encoding": (411, request(b"POST /login HTTP/1.1", b"Transfer-Encoding: xchunked")),
    "a blank before the colon": (400, request(GET, b"Content-Length : 5")),
    "a header without a name": (400, request(GET, b": x")),
    "a header without a colon": (400, request(GET, b"X")),
    "a folded header": (400, request(GET, b"X: y", b" z")),
    "a folded first header": (400, request(GET, b" X: y")),
    "an escape": (400, request(GET, b"Origin: \x1b[31mEVIL\x1b]0;x\x07")),
    "a zero": (400, request(GET, b"X: a\x00b")),
    "a lone LF in a header": (400, request(GET, b"X: a\nContent-Length: 5")),
    "a lone CR in a header": (400, request(GET, b"X: a\rContent-Length: 5")),
    "lines that end in LF": (400, b"GET /healthz HTTP/1.1\nHost: x\n\n"),
    "two hosts": (400, request(GET, b"Host: x")),
    "a HEAD with a body": (400, request(b"HEAD / HTTP/1.1", b"Content-Length: 5", body=b"hello")),
    "a newer version": (505, request(b"GET /data?token=SECRET HTTP/2.0")),
    "an unknown version": (505, request(b"GET / HTTP/1.2")),
    "no version": (400, request(b"GET /healthz")),
    "two blanks": (400, request(b"GET  /healthz HTTP/1.1")),
    "a tab": (400, request(b"GET\t/healthz HTTP/1.1")),
    "a blank in the target": (400, request(b"GET /a b HTTP/1.1")),
    "no ASCII in the target": (400, request("GET /ö HTTP/1.1".encode())),
    "another server's URL": (400, request(b"GET http://evil.example/ HTTP/1.1")),
    "no path": (400, request(b"OPTIONS * HTTP/1.1")),
    "a tunnel": (400, request(b"CONNECT evil.example:443 HTTP/1.1")),
    "an odd method": (400, request(b"G(T / HTTP/1.1")),
    "a TLS hello": (400, b"\x16\x03\x01\x02\x00\x01\x00"),
    "an empty line first": (400, b"\r\n" + request(GET)),
    "a long line": (414, request(b"GET /?" + b"x" * LINE_BYTES_MAX + b" HTTP/1.1")),
    "a line without end": (414, b"GET /" + b"x" * LINE_BYTES_MAX),
    "a long header": (431, request(GET, b"X: " + b"x" * LINE_BYTES_MAX)),
    "many headers": (431, request(GET, *[b"X: y"] * (HEADER_LINES_MAX + 1))),
    "much of headers": (431, request(GET, *[b"X: " + b"y" * 1_000] * 40)),
    "headers without end": (431, request(GET)[:-2] + b"X: y\r\n" * (HEAD_BYTES_MAX // 6)),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused(kind: str) -> None:
    status, data = REFUSED[kind]
    with pytest.raises(HeadRefused) as refused:
        split(data)
    assert refused.value.status == status
    assert "SECRET" not in refused.value.detail and "EVIL" not in refused.value.detail


def test_a_head_ends_at_its_empty_line_and_says_how_long_its_body_is() -> None:
    first = request(b"POST /login HTTP/1.1", b"Content-Length:   5\t")
    found = split(first + b"helloGET / HTTP/1.1\r\n")
    assert found is not None
    head, rest = found
    assert head.data == request(b"POST /login HTTP/1.1", b"Content-Length: 5")
    assert (head.body_bytes, rest) == (5, b"helloGET / HTTP/1.1\r\n")


@pytest.mark.parametrize("end", range(1, len(request(GET, b"X: y"))))
def test_a_head_that_is_not_whole_is_waited_for(end: int) -> None:
    assert split(request(GET, b"X: y")[:end]) is None


def test_headers_that_wsgi_would_take_for_others_are_left_out() -> None:
    """`X_Forwarded_For` would become the same variable as `X-Forwarded-For`."""
    found = split(request(GET, b"X_Forwarded_For: 1.2.3.4", b"Content_Length: 7", b"X-Y: z"))
    assert found is not None and found[0].data == request(GET, b"X-Y: z")
    assert found[0].body_bytes == 0


def test_an_older_client_needs_no_host() -> None:
    assert split(request(b"GET /healthz HTTP/1.0", host=b"")) is not None
    assert split(request(b"GET /healthz HTTP/1.0", host=HOST)) is not None


@given(st.binary(max_size=300), st.sampled_from([b"", GET + b"\r\n", GET + b"\r\nX: "]))
def test_whatever_comes_is_whole_or_waited_for_or_refused(data: bytes, before: bytes) -> None:
    try:
        found = split(before + data)
    except HeadRefused as refused:
        assert refused.status in (400, 411, 414, 431, 505)
        return
    if found is not None:
        head, rest = found
        assert (before + data).endswith(rest) and b"\x00" not in head.data
        assert head.data.count(b"\n") == head.data.count(b"\r\n") == head.data.count(b"\r")

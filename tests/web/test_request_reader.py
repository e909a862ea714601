"""What comes in as HTTP, on the wire and in all three modes: one answer each, in one form.

Never here: the grammar of heads (`test_request_head`), floods and times (`test_socket_limits_*`).
Invariant: one process of each mode serves the whole file; its log is read at the end of each test.
"""

from __future__ import annotations

import socket

import pytest
from redis import Redis

from tests.support.raw_http import Answer, answers, exchange, request
from tests.support.redis_server import RedisProc
from tests.support.web_process import Web, bearer, token_of
from truecandle.web.security import HEADERS, OTHER_POLICY

GET = b"GET /healthz HTTP/1.1"
POST = b"POST /login HTTP/1.1"
#: Of a body without end: what is read of it, and what the system's own buffers may hold.
BODY_SENT_MAX = 64 << 20
SECRET = b"GET /data?token=SECRET"
#: Bytes, and the statuses of all the answers that they lead to.
SENT = {
    "two lengths": (
        request(POST, b"Content-Length: 0", b"Content-Length: 48", body=request(GET)), [400],
    ),
    "length and encoding": (
        request(POST, b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        [400],
    ),
    "chunks": (request(POST, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), [411]),
    "a newer version": (request(SECRET + b" HTTP/2.0"), [505]),
    "no version": (request(SECRET), [400]),
    "no HTTP": (b"\x16\x03\x01SECRET\r\n\r\n", [400]),
    "a long line": (request(SECRET + b"x" * 100_000 + b" HTTP/1.1"), [414]),
    "long headers": (request(GET, *[b"X: SECRET" + b"x" * 5_000] * 40), [431]),
    "an escape": (request(b"GET /socket.io/ HTTP/1.1", b"Origin: \x1b[31mSECRET"), [400]),
    "no host": (request(GET, host=b""), [400]),
    "an odd method": (request(b"BREW /healthz HTTP/1.1"), [405]),
    "a request behind a bad one": (request(GET, b"X : y") + request(GET), [400]),
    "half a head": (request(SECRET + b" HTTP/1.1")[:-2], []),
}  # fmt: skip

#: A first line, headers, and whether another request may follow on the same connection.
STAYS = {
    "by default": (GET, (), True),
    "not if told": (GET, (b"Connection: close",), False),
    "in whichever letters": (GET, (b"connection: CLOSE",), False),
    "not an older one": (b"GET /healthz HTTP/1.0", (), False),
    "an older one if told": (b"GET /healthz HTTP/1.0", (b"Connection: Keep-Alive",), True),
}


def assert_guarded(answer: Answer) -> None:
    """It carries the headers of every answer, and says nothing of what serves here."""
    for name, value in HEADERS:
        assert answer.headers[name.lower()] == value
    if answer.headers["content-type"].startswith("application/"):
        assert answer.headers["content-security-policy"] == OTHER_POLICY
    assert "server" not in answer.headers


@pytest.mark.parametrize("kind", SENT)
def test_a_refused_request_has_one_answer_in_the_form_of_all_and_no_word_in_the_log(
    web: Web, kind: str
) -> None:
    sent, statuses = SENT[kind]
    found = answers(exchange(web.port, sent))
    assert [answer.status for answer in found] == statuses
    for answer in found:
        assert_guarded(answer)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.problem["status"] == answer.status
    assert "SECRET" not in web.role.output and "\x1b" not in web.role.output
    assert "Traceback" not in web.role.output


def test_requests_that_come_at_once_are_answered_one_by_one(web: Web) -> None:
    """Threads answer one for each connection."""
    body = b"username=ann&password=x"
    form = (b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(body))
    sent = request(GET) + request(POST, *form, body=body) + request(GET, b"Connection: close")
    found = answers(exchange(web.port, sent))
    assert [answer.status for answer in found] in ([200, 403, 200], [200])
    for answer in found:
        assert_guarded(answer)


@pytest.mark.parametrize("kind", STAYS)
def test_a_connection_stays_for_as_long_as_its_client_wants(web: Web, kind: str) -> None:
    """Threads answer one request for each connection."""
    line, headers, stays = STAYS[kind]
    found = answers(exchange(web.port, request(line, *headers), request(GET)))
    expected = 2 if stays and web.env["ASYNC_MODE"] != "threading" else 1
    assert [answer.status for answer in found] == [200] * expected


def test_an_address_that_begins_with_two_slashes_names_no_other_host(web: Web) -> None:
    [found] = answers(exchange(web.port, request(b"GET //evil.example/healthz HTTP/1.1")))
    assert found.status == 404 and "location" not in found.headers


def test_a_body_that_nobody_reads_is_no_request(web: Web, redis_server: RedisProc) -> None:
    inside = request(GET)
    unread = request(b"GET /nothing HTTP/1.1", b"Content-Length: %d" % len(inside), body=inside)
    found = answers(exchange(web.port, unread, request(GET, b"Connection: close")))
    assert [answer.status for answer in found] in ([404, 200], [404])


def test_a_body_ends_where_its_length_says(web: Web, redis_server: RedisProc) -> None:
    with redis_server.client() as redis:
        token = token_of(redis, scope="write")
    body = b'{"symbol":"BTCUSDT","interval":"1h","from":0}'
    headers = (
        b"Authorization: Bearer " + token.encode(), b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    )  # fmt: skip
    found = answers(exchange(web.port, request(b"POST /history HTTP/1.1", *headers, body=body)))
    assert [answer.status for answer in found] == [202]
    more = request(b"POST /history HTTP/1.1", *headers, body=body + b"junk")
    assert [answer.status for answer in answers(exchange(web.port, more))][:1] == [202]


def test_an_answer_may_be_the_last_thing_that_a_large_body_hears(
    web: Web, redis_server: RedisProc
) -> None:
    """More than is taken is answered, not reset, if it is not much more."""
    with redis_server.client() as redis:
        authorization = bearer(token_of(redis, scope="write"))["Authorization"].encode()
    size = 100_000
    head = request(
        b"POST /save-live-candle HTTP/1.1", b"Authorization: " + authorization,
        b"Content-Type: application/json", b"Content-Length: %d" % size,
    )  # fmt: skip
    found = answers(exchange(web.port, head, b"x" * size))
    assert [answer.status for answer in found] == [413]


def test_of_a_body_without_end_no_more_is_read_than_is_good(web: Web) -> None:
    """Told by how much can be sent: a little more than is read, in the buffers on the way."""
    sent, chunk = 0, b"x" * 65_536
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        sock.sendall(request(POST, b"Content-Length: 99999999999"))
        with pytest.raises(OSError):
            while sent < BODY_SENT_MAX:
                sent += sock.send(chunk)
    assert sent < BODY_SENT_MAX


def test_what_was_refused_is_counted(web: Web, redis: Redis) -> None:
    exchange(web.port, request(b"GET / HTTP/3.0"))
    numbers = web.get("/metrics").text
    assert 'truecandle_http_requests_total{route="none",status="505"}' in numbers

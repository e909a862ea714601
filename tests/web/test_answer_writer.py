"""Answers that nobody reads, in all three modes: their connections end, and nobody else notices.

Never here: WebSockets that are not read (`test_sockets`).
Invariant: the readers leave as little room on their side as the system lets them.
"""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack

import requests
from redis import Redis

from tests.support.raw_http import HOST
from tests.support.stored_minutes import MINUTES, store_minutes
from tests.support.waiting import wait_for
from tests.support.web_process import HOURS, Web, bearer, token_of

READERS = 20
#: The bounds are 10 s each for the writer and the system; a busy machine adds to them.
ENDED_S = 45.0


def is_over(sock: socket.socket) -> bool:
    """Whether the other side has ended it, with what it had sent still unread."""
    poll = select.poll()
    poll.register(sock, select.POLLHUP | select.POLLERR | select.POLLRDHUP)
    return bool(poll.poll(0))


def test_who_does_not_read_an_answer_is_cut_off_and_others_are_answered(
    web: Web, redis: Redis
) -> None:
    store_minutes(redis, 5_000)
    greedy, other = token_of(redis), token_of(redis, "ben")
    asked = b"GET %s HTTP/1.1\r\n%sAuthorization: Bearer %s\r\n\r\n" % (
        MINUTES.encode(), HOST, greedy.encode(),
    )  # fmt: skip
    with ExitStack() as opened, requests.Session() as session:
        socks = [opened.enter_context(socket.socket()) for _ in range(READERS)]
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", web.port))
            sock.sendall(asked * 5)
        statuses = set()

        def are_over() -> bool:
            for path in ("/healthz", HOURS):
                answer = session.get(web.url + path, headers=bearer(other), timeout=20)
                statuses.add(answer.status_code)
            return all(map(is_over, socks))

        wait_for(are_over, ENDED_S, "the end of connections that are not read")
    assert statuses == {200}
    assert "Traceback" not in web.role.output


def test_who_reads_gets_all_of_a_large_answer(web: Web, redis: Redis) -> None:
    store_minutes(redis, 5_000)
    plain = bearer(token_of(redis)) | {"Accept-Encoding": "identity"}
    body = web.get(MINUTES, headers=plain)
    assert body.json()["count"] == 5_000 and len(body.content) > 200_000

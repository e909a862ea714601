"""What somebody who sends without pause costs everybody else, and the log.

    python -m bench.socket_flood [eventlet,gevent,threading]

For each mode the web role is started on an empty Redis. Two watchers ask for `/healthz` and
`/data`, 20 times a second each: at rest, and while one connection without account (two and fifty in
the last lines) sends one kind of packet for `FLOOD_S`, until they are answered again, `DEAF_MAX_S`
at most. Prints a line each: bytes sent, whether the connection was cut off, the others' answers
(p50, p99, max in ms), bytes added to the log without the access log, and the process's memory.
Exits with 1 if somebody waited for longer than `WAIT_MAX_S` or a flood was not cut off.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from bench.parts.each_mode import in_each_mode
from bench.parts.machine import memory_mb
from bench.parts.others_answers import DEAF_MAX_S, Watchers, log_bytes
from tests.support import socket_floods
from tests.support.web_process import Web

WAIT_MAX_S = 2.0
#: How many connections, and what each sends.
FLOODS: Sequence[tuple[int, str]] = (
    *((1, name) for name in (
        "no Socket.IO packet", "attachments that never come", "CONNECT, refused",
        "a ping of an older protocol", "DISCONNECT before CONNECT", "an event before CONNECT",
        "a deep event", "pings", "fragments of nothing", "a frame of a gigabyte", "no packet",
    )),
    (2, "no Socket.IO packet"),
    (50, "no Socket.IO packet"),
    (50, "a pong nobody asked for"),
)  # fmt: skip


def send(port: int, name: str, results: Any) -> None:
    """One flood, in a process of its own; what it has sent, and whether it was cut off."""
    with suppress(OSError), closing(socket_floods.upgraded(port)) as sock:
        found = socket_floods.flood(sock, socket_floods.repeated(socket_floods.FRAMES[name]))
        results.put((found.sent_bytes, found.is_cut or socket_floods.is_ended(sock, WAIT_MAX_S)))
        return
    results.put((0, True))


def measure(web: Web, token: str, count: int, name: str) -> bool:
    """Floods, prints a line, and says whether all is as it should be."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    logged, memory = log_bytes(web), memory_mb(web.role.pid)
    senders = [context.Process(target=send, args=(web.port, name, results)) for _ in range(count)]
    for sender in senders:
        sender.start()
    with Watchers(web, token) as watchers:
        found = [results.get(timeout=2 * DEAF_MAX_S) for _ in senders]
        time.sleep(1.0)
    for sender in senders:
        sender.join()
    sent, cut = sum(one for one, _ in found), sum(is_cut for _, is_cut in found)
    after, grown = memory_mb(web.role.pid), log_bytes(web) - logged
    print(
        f"  {count:2d} × {name:28} {sent:10d} B  {cut:2d} cut  {watchers.said()}"
        f"  log {grown:10d} B  RSS {memory:5.0f} → {after:5.0f} MB",
        flush=True,
    )
    return cut == count and max(watchers.took_s) < WAIT_MAX_S and not watchers.failures


def main(modes: str = "eventlet,gevent,threading") -> int:
    return in_each_mode(modes, run, width=55)


def run(web: Web, token: str, _: str) -> bool:
    return all([measure(web, token, count, name) for count, name in FLOODS])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

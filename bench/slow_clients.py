"""What clients that are slow on purpose, or many, cost everybody else; and when they are cut off.

    python -m bench.slow_clients [eventlet,gevent,threading]

For each mode the web role is started on an empty Redis with 5,000 candles. Two watchers ask for
`/healthz` and `/data`, 20 times a second each: at rest, and while a crowd in a process of its own,
spread over many addresses of this machine, does one thing until all of it was cut off or `LONG_S`
are over. Prints a line each: how many were cut off, when the last one was, the others' answers
(p50, p99, max in ms), and the process's memory. Last: so many pages stay connected, the process is
killed and started again, and all come back within the pause that pages take. Exits with 1 if one
of a slow crowd was not cut off, an answer to the others failed or took longer than `WAIT_MAX_S`, or
not all pages came back within `BACK_MAX_S`.
"""

from __future__ import annotations

import multiprocessing
import random
import select
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bench.parts.each_mode import in_each_mode
from bench.parts.machine import memory_mb
from bench.parts.others_answers import Watchers
from tests.support.socket_floods import frame
from tests.support.stored_minutes import MINUTES, store_minutes
from tests.support.web_process import Web

LONG_S = 60.0
WAIT_MAX_S = 2.0
#: A crowd spreads over addresses, so that no bound of one address ends it.
PER_ADDRESS = 40
PAGES, BACK_MAX_S, JITTER_S, STAY_S = 500, 30.0, 5.0, 15.0
MANY_PAGES = 1_000
#: In threads each connection has one of a thousand: a crowd of more is the end of any of them.
MOST = {"threading": 500}
HOST = b"Host: 127.0.0.1\r\n"
UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
SUBSCRIBE = frame('420["subscribe",{"symbol":"BTCUSDT","interval":"1m"}]')


@dataclass(frozen=True)
class Crowd:
    """`count` connections: what each sends first, then every `every_s` (nothing if empty); whether
    it reads what it is told.
    """

    name: str
    count: int
    first: bytes = b""
    then: bytes = b""
    every_s: float = 4.0
    reads: bool = True


def crowds(token: str, most: int) -> Sequence[Crowd]:
    bearer = b"Authorization: Bearer " + token.encode() + b"\r\n"
    body = b"Content-Type: application/json\r\nContent-Length: 200\r\n\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 200\r\n\r\n"
    asked = b"GET %s HTTP/1.1\r\n%s%s\r\n" % (MINUTES.encode(), HOST, bearer)
    post, login = b"POST /save-live-candle HTTP/1.1\r\n", b"POST /login HTTP/1.1\r\n"
    return (
        Crowd("half heads, silent", 200, b"GET / HTTP/1.1\r\n" + HOST),
        Crowd("half heads, a line each 4 s", 200, b"GET / HTTP/1.1\r\n" + HOST, b"X: y\r\n"),
        Crowd("connected, silent", 200),
        Crowd("bodies, silent", 100, post + HOST + bearer + body),
        Crowd("bodies, a byte each 4 s", 100, post + HOST + bearer + body, b" "),
        Crowd("bodies on /login, a byte each 4 s", 100, login + HOST + form, b"x"),
        Crowd("5 × 344 kB asked, nothing read", 100, asked * 5, reads=False),
        Crowd("WebSockets without a hello", 500, UPGRADE),
        Crowd("half heads", min(most, 2_000), b"GET / HTTP/1.1\r\n" + HOST, b"X: y\r\n"),
    )


def hold(port: int, crowd: Crowd, results: Any) -> None:
    """The crowd, in a process of its own: how many were cut off, and when the last one was."""
    poll, socks, began_s = select.poll(), {}, time.monotonic()
    for number in range(crowd.count):
        with suppress(OSError):
            sock = opened(port, number, reads=crowd.reads)
            socks[sock.fileno()] = sock
            ends = select.POLLHUP | select.POLLERR | select.POLLRDHUP
            poll.register(sock, ends | (select.POLLIN if crowd.reads else 0))
            sock.setblocking(False)
            sock.send(crowd.first)
    cut = crowd.count - len(socks)
    last_s, next_s = 0.0, time.monotonic() + crowd.every_s
    while socks and time.monotonic() - began_s < LONG_S:
        for number, event in poll.poll(100):
            if is_over(socks[number], event, crowd.reads):
                poll.unregister(number)
                socks.pop(number).close()
                cut, last_s = cut + 1, time.monotonic() - began_s
        if crowd.then and time.monotonic() >= next_s:
            next_s += crowd.every_s
            for sock in socks.values():
                with suppress(OSError):
                    sock.send(crowd.then)
    for sock in socks.values():
        sock.close()
    results.put((cut, last_s))


def opened(port: int, number: int, reads: bool = True) -> socket.socket:
    sock = socket.socket()
    if not reads:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(20)
    sock.bind((source(number // PER_ADDRESS), 0))
    sock.connect(("127.0.0.1", port))
    return sock


def source(number: int) -> str:
    """One of the loopback addresses of this machine."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def is_over(sock: socket.socket, event: int, reads: bool) -> bool:
    if not reads:
        return True
    if event & select.POLLIN:
        with suppress(BlockingIOError, InterruptedError):
            try:
                return not sock.recv(65_536)
            except OSError:
                return True
        return False
    return bool(event & (select.POLLHUP | select.POLLERR))


def stay(port: int, count: int, kills: int, results: Any) -> None:
    """So many pages, each connected and subscribed, told in `results`; after each of `kills` ends
    all come back, after a pause at random as pages take it. Each answers pings for `STAY_S`.
    """
    for again in range(kills + 1):
        began_s = time.monotonic()
        due = {
            number: began_s + random.uniform(0, JITTER_S) * bool(again) for number in range(count)
        }
        socks: dict[int, socket.socket] = {}
        while len(socks) < count and time.monotonic() - began_s < 2 * LONG_S:
            for number in [one for one, at_s in due.items() if at_s <= time.monotonic()]:
                try:
                    socks[number] = subscribed(port, number)
                    del due[number]
                except OSError:
                    due[number] = time.monotonic() + random.uniform(0.5, 2.0)
            time.sleep(0.01)
        results.put((len(socks), time.monotonic() - began_s))
        attend(list(socks.values()), until_end=again < kills)


def subscribed(port: int, number: int) -> socket.socket:
    sock = opened(port, number)
    sock.sendall(UPGRADE)
    heard = b""
    for said, sends in ((b'"sid"', frame("40")), (b"40{", SUBSCRIBE), (b"430[", b"")):
        while said not in heard:
            more = sock.recv(65_536)
            if not more:
                raise ConnectionResetError
            heard += more
        heard = b""
        sock.sendall(sends) if sends else None
    return sock


def attend(socks: list[socket.socket], until_end: bool) -> None:
    """Answers pings, for `STAY_S` or until the server has ended all of them."""
    by_s = time.monotonic() + (4 * LONG_S if until_end else STAY_S)
    open_ = {sock.fileno(): sock for sock in socks}
    while open_ and time.monotonic() < by_s:
        for number in ready(open_):
            try:
                heard = open_[number].recv(65_536)
                if b"\x81\x012" in heard:
                    open_[number].sendall(frame("3"))
            except OSError:
                heard = b""
            if not heard:
                open_.pop(number).close()
    for sock in open_.values():
        sock.close()


def ready(socks: dict[int, socket.socket]) -> list[int]:
    poll = select.poll()
    for number in socks:
        poll.register(number, select.POLLIN | select.POLLHUP | select.POLLERR)
    return [number for number, _ in poll.poll(200)]


def measure(web: Web, token: str, crowd: Crowd) -> bool:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    memory = memory_mb(web.role.pid)
    holder = context.Process(target=hold, args=(web.port, crowd, results))
    holder.start()
    with Watchers(web, token) as watchers:
        cut, last_s = results.get(timeout=3 * LONG_S)
    holder.join()
    print(
        f"  {crowd.count:5d} {crowd.name:36} {cut:5d} cut, the last at {last_s:4.1f} s"
        f"  {watchers.said()}  RSS {memory:4.0f} → {memory_mb(web.role.pid):4.0f} MB",
        flush=True,
    )
    is_quick = max(watchers.took_s) < WAIT_MAX_S and not watchers.failures
    return cut == crowd.count and is_quick


def measure_pages(web: Web, token: str, count: int, kills: int) -> bool:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    pages = context.Process(target=stay, args=(web.port, count, kills, results))
    pages.start()
    there, took_s = results.get(timeout=4 * LONG_S)
    with Watchers(web, token) as watchers:
        time.sleep(STAY_S / 2)
    print(
        f"  {there:5d} subscribed pages, in {took_s:.1f} s{'':34}{watchers.said()}"
        f"  RSS {'':6} {memory_mb(web.role.pid):4.0f} MB",
        flush=True,
    )
    is_well = there == count and not watchers.failures
    for _ in range(kills):
        web.role.kill()
        web.start()
        there, took_s = results.get(timeout=4 * LONG_S)
        print(f"  {there:5d} of {count} back {took_s:.1f} s after a kill", flush=True)
        is_well = is_well and there == count and took_s <= BACK_MAX_S
    pages.join()
    return is_well


def main(modes: str = "eventlet,gevent,threading") -> int:
    return in_each_mode(
        modes, run, width=72, prepare=lambda redis: store_minutes(redis, 5_000), PUBLIC_READS="1"
    )


def run(web: Web, token: str, mode: str) -> bool:
    most = MOST.get(mode, 1 << 20)
    results = [measure(web, token, crowd) for crowd in crowds(token, most)]
    results.append(measure_pages(web, token, min(most, MANY_PAGES), 0))
    results.append(measure_pages(web, token, PAGES, 1))
    return all(results)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

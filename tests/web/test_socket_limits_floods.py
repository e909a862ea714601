"""What may come in at a socket, in all three modes: nobody's flood keeps anybody else waiting.

Never here: what packets mean; how exactly the bounds count (`test_socket_limits`).
Invariant: the same process serves the whole file, a mode at a time, and a good client stays on it.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

import pytest
import requests
from redis import Redis

from tests.support import socket_floods
from tests.support.redis_server import RedisProc
from tests.support.role_processes import ended
from tests.support.waiting import HANGS_S, wait_for
from tests.support.web_process import HOURS, Client, Web, bearer, clients, token_of
from truecandle.events import Publisher
from truecandle.web.socket_limits import STRANGERS_PER_ADDRESS_MAX

SYMBOLS = ("BTCUSDT", "ETHUSDT")
INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h")
#: Below the minutes that one flood could cost.
ANSWER_S = HANGS_S
#: What one flood may add to the log, whatever it sends.
LOG_BYTES = 4_000


@dataclass
class Watcher:
    """Somebody else, who asks for two pages for as long as it is entered."""

    web: Web
    token: str
    took_s: list[float] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)

    def __enter__(self) -> Watcher:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while True:
            is_last = self._over.is_set()
            for path in ("/healthz", HOURS):
                began_s = time.monotonic()
                with suppress(requests.RequestException):
                    answer = requests.get(
                        self.web.url + path, headers=bearer(self.token), timeout=2 * ANSWER_S
                    )
                    self.codes.add(answer.status_code)
                self.took_s.append(time.monotonic() - began_s)
            if is_last:
                return


@dataclass
class House:
    """A web process with one good client on it."""

    web: Web
    token: str
    client: Client
    publisher: Publisher
    redis: Callable[[], Redis]

    def log_bytes(self) -> int:
        """Without the access log, to which the watchers contribute."""
        lines = list(self.web.role.lines)
        return sum(len(line) + 1 for line in lines if "truecandle.web.access" not in line)

    def hears(self) -> bool:
        """Whether the good client still hears what happens, on its first connection."""
        before = len(self.client.heard("live_price"))
        self.publisher.live_price(
            "BTCUSDT", price="1", timestamp=1, high="1", low="1", volume="1", trades=1,
            first_id=1, last_id=1,
        )  # fmt: skip
        self.client.wait_heard("live_price", before + 1)
        return bool(self.client.io.connected)


@pytest.fixture(scope="module", params=["eventlet", "gevent", "threading"])
def house(
    request: pytest.FixtureRequest,
    redis_server: RedisProc,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    with redis_server.client() as redis, ended() as processes, clients() as made:
        redis.flushall()
        folder = tmp_path_factory.mktemp("web")
        web = Web(
            processes, redis_server.url, folder, ASYNC_MODE=request.param,
            SYMBOLS=",".join(SYMBOLS), INTERVALS=",".join(INTERVALS),
        )  # fmt: skip
        token = token_of(redis)
        made.append(Client().connect(web, token))
        assert made[0].follow()["ok"]
        web.role.wait_for_line("listening for events")
        yield House(web, token, made[0], Publisher(redis_server.url), redis_server.client)


def flooded(sock: socket.socket, chunks: Iterator[bytes]) -> bool:
    """Whether the connection was cut off."""
    with closing(sock):
        return socket_floods.flood(sock, chunks).is_cut or socket_floods.is_ended(sock)


def assert_harmless(house: House, before: int, watcher: Watcher) -> None:
    assert watcher.codes == {200}
    assert max(watcher.took_s) < ANSWER_S
    assert house.log_bytes() - before < LOG_BYTES
    assert house.hears()


@pytest.mark.parametrize("kind", socket_floods.FRAMES)
def test_a_flood_on_one_websocket_is_cut_off_and_nobody_notices(house: House, kind: str) -> None:
    before, chunks = house.log_bytes(), socket_floods.repeated(socket_floods.FRAMES[kind])
    with Watcher(house.web, house.token) as watcher:
        assert flooded(socket_floods.upgraded(house.web.port), chunks)
    assert_harmless(house, before, watcher)


def test_mixtures_on_many_websockets_are_cut_off_and_nobody_notices(house: House) -> None:
    before, cuts = house.log_bytes(), list[bool]()

    def once(seed: int) -> None:
        cuts.append(flooded(socket_floods.upgraded(house.web.port), socket_floods.mixed(seed)))

    with Watcher(house.web, house.token) as watcher:
        for first in range(0, 48, 8):
            running = [threading.Thread(target=once, args=(first + i,)) for i in range(8)]
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()
    assert cuts == [True] * 48
    assert_harmless(house, before, watcher)


@pytest.mark.parametrize("kind", socket_floods.REQUESTS)
def test_a_flood_of_requests_on_one_connection_keeps_nobody_waiting(
    house: House, kind: str
) -> None:
    before, (first, again) = house.log_bytes(), socket_floods.REQUESTS[kind]
    sock = socket.create_connection(("127.0.0.1", house.web.port), timeout=20)
    with Watcher(house.web, house.token) as watcher, closing(sock):
        sock.sendall(first)
        found = socket_floods.flood(sock, socket_floods.repeated(again))
        assert found.is_cut or "end" not in kind or socket_floods.is_ended(sock)
    assert_harmless(house, before, watcher)


def test_a_flood_of_a_member_is_cut_off_and_nobody_notices(house: House) -> None:
    with house.redis() as redis:
        token = token_of(redis, "bob")
    event = socket_floods.frame('42["subscribe",{"symbol":"BTCUSDT","interval":"1h"}]')
    hello = socket_floods.frame(f'40{{"token":"{token}"}}')
    before = house.log_bytes()
    with Watcher(house.web, house.token) as watcher:
        chunks = itertools.chain([hello], socket_floods.repeated(event))
        assert flooded(socket_floods.upgraded(house.web.port), chunks)
    assert_harmless(house, before, watcher)


def test_a_member_who_sends_the_servers_own_events_is_cut_off(house: House) -> None:
    """They would take it off the list of those whose session is looked at again."""
    with house.redis() as redis:
        token = token_of(redis, "bob")
    with closing(socket_floods.upgraded(house.web.port)) as sock:
        sock.sendall(socket_floods.frame(f'40{{"token":"{token}"}}'))
        sock.sendall(socket_floods.frame('42["disconnect"]'))
        assert socket_floods.is_ended(sock, ANSWER_S)


def test_who_is_refused_is_told_so_and_cut_off_without_being_waited_for(house: House) -> None:
    with closing(socket_floods.upgraded(house.web.port)) as sock:
        sock.sendall(socket_floods.frame('40{"token":"wrong"}'))
        said, began_s = b"", time.monotonic()
        with suppress(OSError):
            while data := sock.recv(4096):
                said += data
        assert b'44"unauthorized"' in said or b'44{"message":"unauthorized"}' in said
        assert time.monotonic() - began_s < ANSWER_S


def test_strangers_make_room_for_the_newest_and_a_browser_still_comes_in(house: House) -> None:
    before, held = house.log_bytes(), list[socket.socket]()
    try:
        with Watcher(house.web, house.token) as watcher:
            for _ in range(3 * STRANGERS_PER_ADDRESS_MAX):
                with suppress(OSError):
                    held.append(socket_floods.upgraded(house.web.port))
            assert socket_floods.is_ended(held[0], ANSWER_S)
        assert_harmless(house, before, watcher)
        with house.redis() as redis, clients() as made:
            wait_for(lambda: came_in(house, made, token_of(redis, "bob")), what="a way in")
    finally:
        for sock in held:
            sock.close()


def came_in(house: House, made: list[Client], token: str) -> bool:
    made.append(Client())
    with suppress(ConnectionError):
        return bool(made[-1].connect(house.web, token).follow()["ok"])
    return False


def test_a_page_of_twenty_series_opens_as_often_as_somebody_reloads_it(house: House) -> None:
    with house.redis() as redis:
        token = token_of(redis, "bob")
    for _ in range(3):
        with clients() as made:
            made.append(Client().connect(house.web, token))
            answers = [
                made[0].follow(symbol, interval)
                for symbol, interval in itertools.product(SYMBOLS, INTERVALS)
            ]
            assert [answer["ok"] for answer in answers] == [True] * 20
            for symbol, interval in itertools.product(SYMBOLS, INTERVALS):
                made[0].io.emit("unsubscribe", {"symbol": symbol, "interval": interval})
            assert made[0].follow()["ok"] and made[0].io.connected


ODD_REQUESTS = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: \x1b[31mEVIL\x1b]0;x\x07\r\n\r\n",
    b"GET /socket.io/?EIO=\x1b[31mEVIL&transport=EVIL&token=SECRET123 HTTP/1.1\r\n"
    b"Host: 127.0.0.1\r\n\r\n",
    b"GET /data?token=SECRET123 HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /data?token=SECRET123 EVIL \x1b[31m HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"\x1b[31mEVIL /?token=SECRET123 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /?token=SECRET123 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \x1b[31mEVIL\r\n\r\n",
    b"GET /%1b[31m%0d%0aFAKE%e2%80%ae?token=SECRET123 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
)


@pytest.mark.parametrize("request_", ODD_REQUESTS, ids=range(len(ODD_REQUESTS)))
def test_nothing_of_a_request_reaches_the_terminal_raw(house: House, request_: bytes) -> None:
    sock = socket.create_connection(("127.0.0.1", house.web.port), timeout=20)
    with closing(sock):
        sock.sendall(request_)
        sock.shutdown(socket.SHUT_WR)
        assert socket_floods.is_ended(sock)
    assert house.hears()
    assert not set("\x1b\x07\u202e") & set(house.web.role.output)
    assert "SECRET123" not in house.web.role.output
    assert not any(line.startswith("FAKE") for line in house.web.role.lines)


def test_who_comes_back_at_once_again_and_again_costs_nobody_anything(house: House) -> None:
    """The last test on each house: its address may open few connections afterwards."""
    before, by_s = house.log_bytes(), time.monotonic() + socket_floods.FLOOD_S
    chunk = socket_floods.FRAMES["no Socket.IO packet"] * 100

    def again_and_again() -> None:
        while time.monotonic() < by_s:
            with suppress(OSError), closing(socket_floods.upgraded(house.web.port)) as sock:
                sock.sendall(chunk)

    with Watcher(house.web, house.token) as watcher:
        running = [threading.Thread(target=again_and_again) for _ in range(4)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    assert_harmless(house, before, watcher)
    wait_for(lambda: opens(house), what="a new connection to be accepted")


def opens(house: House) -> bool:
    with suppress(ConnectionRefusedError), closing(socket_floods.upgraded(house.web.port)):
        return True
    return False

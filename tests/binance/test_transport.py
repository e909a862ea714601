"""REST and streams through a company's proxy, and past a dead address: both, and in the same way.

Never here: which proxy (`tests/test_egress`), which address first (`tests/test_dialing`).
Invariant: the exchange's name has no address here; only the proxy knows the way.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis as redis_py

from tests.support.forward_proxy import ForwardProxy
from tests.support.tls_proxy import TlsProxy, make_authority
from tests.support.waiting import wait_for
from truecandle.binance.rest.client import RestClient
from truecandle.binance.streams.websocket import ClientSocket
from truecandle.egress import EgressRoute, read_egress
from truecandle.errors import ExchangeUnreachable
from truecandle.sim.server import SimServer
from truecandle.store import connect
from truecandle.store.budget import Budget

LOGIN = "ann:a b/c"
HOST = "exchange.invalid"


@pytest.fixture(scope="module")
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT"]) as running:
        yield running


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


def reaches(redis: redis_py.Redis, scheme: str, port: int, route: EgressRoute) -> None:
    """Asks the exchange by REST, and has a trade by stream."""
    rest = RestClient(f"http{scheme}://{HOST}:{port}", Budget(redis), route=route)
    assert rest.server_time()[0] > 0
    rest.close()
    stream = ClientSocket(f"ws{scheme}://{HOST}:{port}/ws/btcusdt@aggTrade", route)
    wait_for(lambda: b"aggTrade" in b"".join(stream.receive()), what="a trade")
    stream.close()


def test_rest_and_streams_go_through_the_same_proxy_with_its_password(
    redis: redis_py.Redis, sim: SimServer
) -> None:
    with ForwardProxy(port_of(sim.rest_url), LOGIN) as proxy:
        route = read_egress({"ALL_PROXY": f"ann:a%20b%2Fc@127.0.0.1:{proxy.port}"}).route("ws://x")
        reaches(redis, "", 80, route)
        assert proxy.asked == [
            ("GET", f"http://{HOST}:80/api/v3/time"),
            ("CONNECT", f"{HOST}:80"),
        ]


def test_tls_goes_through_the_proxy_to_the_exchange_and_trusts_the_named_authority_alone(
    redis: redis_py.Redis, sim: SimServer, tmp_path: Path
) -> None:
    authority, certificate = make_authority(tmp_path, "company", HOST)
    with (
        TlsProxy(certificate, port_of(sim.rest_url)) as tls,
        ForwardProxy(tls.port) as proxy,
    ):
        environ = {"https_proxy": f"127.0.0.1:{proxy.port}"}
        trusting = read_egress({**environ, "SSL_CERT_FILE": str(authority)}).route("wss://x")
        reaches(redis, "s", 443, trusting)
        assert proxy.asked == [("CONNECT", f"{HOST}:443")] * 2
        usual = read_egress(environ).route("wss://x")
        with pytest.raises(ExchangeUnreachable, match=r"(?i)certificate"):
            RestClient(f"https://{HOST}", Budget(redis), route=usual).server_time()
        with pytest.raises(ExchangeUnreachable, match=r"(?i)certificate"):
            ClientSocket(f"wss://{HOST}/ws", usual)


def test_a_proxy_that_refuses_is_named_and_never_passed_by(
    redis: redis_py.Redis, sim: SimServer
) -> None:
    with ForwardProxy(port_of(sim.rest_url), LOGIN) as proxy:
        route = read_egress({"ALL_PROXY": f"127.0.0.1:{proxy.port}"}).route("ws://x")
        named = f"407.*through the proxy 127.0.0.1:{proxy.port} .ALL_PROXY"
        with pytest.raises(ExchangeUnreachable, match=named):
            ClientSocket(f"ws://{HOST}/ws", route)
        with pytest.raises(ExchangeUnreachable, match=named):
            RestClient(f"https://{HOST}", Budget(redis), route=route).server_time()
        with pytest.raises(ExchangeUnreachable, match=named):
            RestClient(f"http://{HOST}", Budget(redis), route=route).server_time()


def test_a_dead_address_that_comes_first_is_survived_by_rest_streams_and_redis(
    redis: redis_py.Redis, redis_url: str, sim: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def two_addresses(host: str, port: int, **_: object) -> list[object]:
        dead = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("100::1", port, 0, 0))
        return [dead, *real("127.0.0.1", port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    reaches(redis, "", port_of(sim.rest_url), EgressRoute())
    url = redis_url.replace("127.0.0.1", "redis.invalid")
    with closing(connect(url)) as client:
        assert client.ping()

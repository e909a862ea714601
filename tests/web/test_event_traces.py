"""Events that are traced, through the web role in each way of serving.

Never here: where such events come from (`tests/e2e/test_traces.py`).
Invariant: the role is a process, its browser a client of Socket.IO, its collector a real server.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisProc
from tests.support.role_processes import ended
from tests.support.trace_collector import TakenSpan, TraceCollector
from tests.support.web_process import Client, Web, clients, wait_for_listener
from truecandle.events import Publisher

TRACE, ABOVE = "a" * 32, "b" * 16
PRICE = {
    "price": "42000.5", "timestamp": 1_704_141_000_000, "high": "42001", "low": "41999.99",
    "volume": "3.25", "trades": 1, "first_id": 7, "last_id": 7,
}  # fmt: skip


@pytest.fixture(scope="module")
def collector() -> Iterator[TraceCollector]:
    with TraceCollector() as made:
        yield made


@pytest.fixture(scope="module", params=["eventlet", "gevent", "threading"])
def web(
    request: pytest.FixtureRequest,
    redis_server: RedisProc,
    collector: TraceCollector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Web]:
    with ended() as processes:
        folder = tmp_path_factory.mktemp("web")
        env = {"TRACES_URL": collector.url, "TRACES_SAMPLE": "1", "PUBLIC_READS": "1"}
        yield Web(processes, redis_server.url, folder, ASYNC_MODE=request.param, **env)


@pytest.fixture
def client(web: Web) -> Iterator[Client]:
    with clients() as made:
        made.append(Client().connect(web))
        yield made[0]


def of_trace(collector: TraceCollector) -> dict[str, TakenSpan]:
    return {span.name: span for span in list(collector.spans) if span.trace == TRACE}


def test_a_traced_event_is_followed_until_a_browser_has_drawn_it(
    web: Web, redis_server: RedisProc, client: Client, collector: TraceCollector
) -> None:
    """What a browser says of another trace, or says twice, adds nothing; and all that waits is sent
    when the role ends."""
    collector.spans.clear()
    client.follow()
    with redis_server.client() as redis:
        wait_for_listener(redis)
        publisher = Publisher(redis_server.url)
        with publisher.together():
            publisher.live_price("BTCUSDT", **PRICE)  # type: ignore[arg-type]
            publisher.live_price("BTCUSDT", **PRICE, traceparent=f"00-{TRACE}-{ABOVE}-01")  # type: ignore[arg-type]
        client.wait_heard("live_price", 2)
    usual, traced = client.heard("live_price")
    traceparent = traced.pop("traceparent")
    assert usual == traced and "traceparent" not in usual
    drawn = {"traceparent": traceparent, "drawn_us": 12_500}
    foreign = {"traceparent": f"00-{TRACE}-{ABOVE}-01", "drawn_us": 1}
    for said in (drawn, drawn, foreign):
        assert client.call("traced", said) == {"ok": True}
    for wrong in ({"traceparent": "00-1-2-01"}, {"drawn_us": -1}, {"drawn_us": 1.5}):
        assert client.call("traced", {**drawn, **wrong})["code"] == "parameter"
    assert web.role.end() == 0
    found = of_trace(collector)
    assert {name: one.parent for name, one in found.items()} == {
        "receive live_price": ABOVE,
        "write live_price": found["receive live_price"].id,
        "draw live_price": found["write live_price"].id,
    }
    write, draw = found["write live_price"], found["draw live_price"]
    assert traceparent == f"00-{TRACE}-{write.id}-01"
    assert write.given["truecandle.sockets"] == 1
    assert draw.end_ns - draw.start_ns == 12_500_000
    assert draw.start_ns >= write.start_ns
    assert len(collector.named("draw live_price")) == 1

"""Events that are traced, through the web role in each way of serving.

Never here: where such events come from (`tests/e2e/test_traces.py`).
Invariant: the role is a process, its browser a client of Socket.IO, its collector a real server.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisProc
from tests.support.role_processes import ended
from tests.support.trace_collector import TakenSpan, TraceCollector
from tests.support.waiting import POLL_S, wait_for
from tests.support.web_process import Client, Web, clients, wait_for_listener
from truecandle.events import Publisher

ABOVE = "b" * 16
STEPS = ("receive live_price", "write live_price", "draw live_price")
DRAWN_US = 12_500
#: For the spans of one event to come.
SPANS_S = 10.0
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


def test_a_traced_event_is_followed_until_a_browser_has_drawn_it(
    web: Web, redis_server: RedisProc, client: Client, collector: TraceCollector
) -> None:
    """What a browser says of another trace, or says twice, adds nothing."""
    client.follow()
    with redis_server.client() as redis:
        wait_for_listener(redis)
    publisher = Publisher(redis_server.url)

    def followed() -> tuple[str, dict[str, TakenSpan]] | None:
        """One event and its spans; another one if they were lost on the way."""
        trace, known = secrets.token_hex(16), len(client.heard("live_price"))
        with publisher.together():
            publisher.live_price("BTCUSDT", **PRICE)  # type: ignore[arg-type]
            publisher.live_price("BTCUSDT", **PRICE, traceparent=f"00-{trace}-{ABOVE}-01")  # type: ignore[arg-type]
        client.wait_heard("live_price", known + 2)
        usual, traced = client.heard("live_price")[known:]
        traceparent = traced.pop("traceparent")
        assert usual == traced and "traceparent" not in usual
        say(client, traceparent, f"00-{trace}-{ABOVE}-01")
        until_s = time.monotonic() + SPANS_S
        while time.monotonic() < until_s:
            found = [span for span in list(collector.spans) if span.trace == trace]
            if len(found) >= len(STEPS):
                assert sorted(span.name for span in found) == sorted(STEPS)
                return traceparent, {span.name: span for span in found}
            time.sleep(POLL_S)
        return None

    told = wait_for(followed, what="the spans of an event")
    assert told
    traceparent, spans = told
    receive, write, draw = (spans[name] for name in STEPS)
    assert (receive.parent, write.parent, draw.parent) == (ABOVE, receive.id, write.id)
    assert traceparent == f"00-{write.trace}-{write.id}-01"
    assert write.given["truecandle.sockets"] == 1
    assert draw.end_ns - draw.start_ns == DRAWN_US * 1000
    assert draw.start_ns >= write.start_ns


def say(client: Client, traceparent: str, foreign: str) -> None:
    """That the event was drawn; before and after it what adds nothing."""
    drawn = {"traceparent": traceparent, "drawn_us": DRAWN_US}
    for said in ({"traceparent": foreign, "drawn_us": 1}, drawn, drawn):
        assert client.call("traced", said) == {"ok": True}
    for wrong in ({"traceparent": "00-1-2-01"}, {"drawn_us": -1}, {"drawn_us": 1.5}):
        assert client.call("traced", {**drawn, **wrong})["code"] == "parameter"

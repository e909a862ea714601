"""Traces of a whole running system, with a page in a real browser: one tick is one trace.

Never here: each way of serving (`tests/web/test_event_traces.py`).
Invariant: what is judged is what a collector was sent, decoded as the protocol says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.role_processes import ended
from tests.support.trace_collector import TakenSpan, TraceCollector
from tests.support.waiting import wait_for
from tests.support.whole_system import COMMANDS, System

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HEADERS = "X-Key=a%20b%2Cc"
#: Every step of a tick, and below which one it stands.
TICK = {
    "wait in queue": "tick",
    "build candles": "tick",
    "publish live_price": "tick",
    "store live_candle": "tick",
    "publish live_candle": "tick",
    "receive live_price": "publish live_price",
    "write live_price": "receive live_price",
    "draw live_price": "write live_price",
    "receive live_candle": "publish live_candle",
    "write live_candle": "receive live_candle",
}
ON_ITS_WAY = tuple(TICK)[:3] + tuple(TICK)[5:8]
CANDLE = {
    "wait for the close": "official candle",
    "GET /api/v3/klines": "official candle",
    "store klines": "official candle",
    "publish data_updated": "official candle",
    "receive data_updated": "publish data_updated",
    "write data_updated": "receive data_updated",
}
CALLER = "1" * 32
PARENT = "2" * 16


@pytest.fixture(scope="module")
def collector() -> Iterator[TraceCollector]:
    with TraceCollector() as made:
        yield made


@pytest.fixture(scope="module")
def system(
    collector: TraceCollector, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """With a page at BTCUSDT 1m: it does not hear of candles of seconds."""
    folder: Path = tmp_path_factory.mktemp("system")
    with ended() as processes:
        whole = System(
            folder, processes, "BTCUSDT", PUBLIC_READS="1",
            TRACES_URL=collector.url, TRACES_SAMPLE="1", TRACES_HEADERS=HEADERS,
        )  # fmt: skip
        try:
            whole.open()
            page = chromium.new_page()
            page.goto(f"{whole.url}/?symbol=BTCUSDT&interval=1m")
            yield whole
        finally:
            whole.close()


def check(trace: dict[str, TakenSpan], links: dict[str, str]) -> None:
    """One trace, each step below the one that led to it and not before it."""
    for name, above in links.items():
        assert trace[name].parent == trace[above].id, name
        assert trace[name].start_ns >= trace[above].start_ns, name
        assert trace[name].end_ns >= trace[name].start_ns, name
    root = trace[next(iter(links.values()))]
    assert root.parent == ""
    assert not any(one.is_error for one in trace.values())


def test_a_tick_from_the_exchanges_socket_to_the_browser_is_one_trace(
    system: System, collector: TraceCollector
) -> None:
    trace = wait_for(lambda: collector.trace({"tick", *TICK}), what="a tick that was drawn")
    assert trace
    check(trace, TICK)
    moments = [trace[name].start_ns for name in ON_ITS_WAY]
    assert moments == sorted(moments)
    services = {name: span.service for name, span in trace.items()}
    assert {services[name] for name in ("tick", *tuple(TICK)[:5])} == {"truecandle-feed"}
    assert {services[name] for name in tuple(TICK)[5:]} == {"truecandle-web"}
    assert trace["tick"].given["messaging.destination.name"] == "btcusdt@aggTrade"
    assert trace["write live_price"].given["truecandle.sockets"] == 1
    assert trace["publish live_price"].kind == "producer"
    assert trace["receive live_price"].kind == "consumer"
    assert {one["x-key"] for one in lowered(collector)} == {"a b,c"}


def test_an_official_candle_is_one_trace_from_its_close(
    system: System, collector: TraceCollector
) -> None:
    trace = wait_for(lambda: collector.trace({"official candle", *CANDLE}), what="a candle")
    assert trace
    check(trace, CANDLE)
    root = trace["official candle"]
    assert root.service == "truecandle-fetcher"
    assert root.given == {"truecandle.symbol": "BTCUSDT", "truecandle.interval": "1s"}
    assert trace["wait for the close"].start_ns == root.start_ns
    assert trace["wait for the close"].end_ns - root.start_ns >= 2_000_000_000  # SETTLE_MS


def test_a_request_stands_below_its_caller_and_shows_nothing_secret(
    system: System, collector: TraceCollector
) -> None:
    def ask(path: str, flags: str, **headers: str) -> requests.Response:
        given = {"traceparent": f"00-{CALLER}-{PARENT}-{flags}", **headers}
        return requests.get(f"{system.url}{path}", headers=given, timeout=20)

    assert ask("/data?symbol=BTCUSDT&interval=1m", "00").status_code == 200
    secret = {"Authorization": "Bearer S3cretToken", "User-Agent": "S3cretAgent"}
    answer = ask("/gaps?symbol=BTCUSDT&interval=1m&S3cretQuery=1", "01", **secret)
    ask("/S3cretPath", "01")

    def mine() -> list[TakenSpan]:
        return [span for span in list(collector.spans) if span.trace == CALLER]

    wait_for(lambda: len(mine()) >= 2, what="the spans of two requests")
    known, unknown = sorted(mine(), key=lambda span: span.start_ns)
    assert (known.name, known.kind, known.parent) == ("GET /gaps", "server", PARENT)
    assert known.given["http.response.status_code"] == answer.status_code
    assert known.given["truecandle.request_id"] == answer.headers["X-Request-ID"]
    assert known.given["http.route"] == known.given["url.path"] == "/gaps"
    assert unknown.name == "GET" and unknown.given["http.response.status_code"] == 404
    assert "S3cret" not in repr(collector.spans)
    assert wait_for(lambda: collector.named("GET /"), what="the span of the page")


def test_roles_go_on_without_the_collector_and_say_what_was_lost(
    system: System, collector: TraceCollector
) -> None:
    """Told to stop they do, although it does not answer any more."""
    collector.answer = lambda: 503
    lost = [f'truecandle_{one}_spans_total{{outcome="lost"}}' for one in ("web", "feed", "fetcher")]

    def are_told() -> bool:
        said = requests.get(f"{system.url}/metrics", timeout=20).text
        figures = dict(line.rsplit(" ", 1) for line in said.splitlines() if line[:1] != "#")
        return all(float(figures.get(name, 0)) > 0 for name in lost)

    wait_for(are_told, what="figures of what was lost")
    assert system.is_ready()
    for role in COMMANDS:
        system.roles[role].wait_for_line(f"traces to {collector.url}/v1/traces: .*Unavailable")
    collector.answer = lambda: 200
    for role in COMMANDS:
        system.roles[role].wait_for_line("taken again")
    collector.answer = lambda: wait_for(lambda: 0, 600)
    for role in COMMANDS:
        assert system.roles[role].end() == 0


def lowered(collector: TraceCollector) -> list[dict[str, str]]:
    return [{name.lower(): one[name] for name in one} for one in collector.headers]

"""Traces of a whole running system, with a page in a real browser: one tick is one trace.

Never here: each way of serving (`tests/web/test_event_traces.py`).
Invariant: what is judged is what a collector was sent, decoded as the protocol says.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.role_processes import ended
from tests.support.trace_collector import TakenSpan, TraceCollector
from tests.support.waiting import HANGS_S, POLL_S, wait_for
from tests.support.whole_system import COMMANDS, System

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HEADERS = "X-Key=a%20b%2Cc"
#: Every step of a tick, and below which one it stands; and how it ends.
TICK = {
    "wait in queue": "tick",
    "build candles": "tick",
    "publish live_price": "tick",
    "store live_candle": "tick",
    "publish live_candle": "tick",
    "receive live_price": "publish live_price",
    "write live_price": "receive live_price",
    "receive live_candle": "publish live_candle",
    "write live_candle": "receive live_candle",
}
DRAWN = {"draw live_price": "write live_price", "draw live_candle": "write live_candle"}
IN_FEED = ("tick", *tuple(TICK)[:5])
#: One after the other.
ON_ITS_WAY = (*tuple(TICK)[:3], "receive live_price", "write live_price")
CANDLE = {
    "wait for the close": "official candle",
    "GET /api/v3/klines": "official candle",
    "store klines": "official candle",
    "publish data_updated": "official candle",
    "receive data_updated": "publish data_updated",
    "write data_updated": "receive data_updated",
}
PARENT = "2" * 16
#: For one request's span to come: then another is sent, as few begin in a second.
SPAN_S = 5.0


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


def check(trace: list[TakenSpan], links: dict[str, str]) -> None:
    """Each step stands below the one that led to it, and is not before it."""
    known = {span.id: span for span in trace}
    for span in trace:
        if span.name in links:
            above = known[span.parent]
            assert above.name == links[span.name]
            assert span.start_ns >= above.start_ns and span.end_ns >= span.start_ns, span.name
    assert [span.name for span in trace if not span.parent] == [next(iter(links.values()))]
    assert not any(span.is_error for span in trace)


def first(trace: list[TakenSpan], name: str) -> TakenSpan:
    return next(span for span in trace if span.name == name)


def test_a_tick_from_the_exchanges_socket_to_the_browser_is_one_trace(
    system: System, collector: TraceCollector
) -> None:
    def drawn() -> list[TakenSpan] | None:
        found = (collector.trace({"tick", *TICK, end}) for end in DRAWN)
        return next(filter(None, found), None)

    trace = wait_for(drawn, what="a tick that was drawn")
    assert trace
    check(trace, TICK | DRAWN)
    moments = [first(trace, name).start_ns for name in ON_ITS_WAY]
    assert moments == sorted(moments)
    for span in trace:
        is_in_feed = span.name in IN_FEED
        assert span.service == f"truecandle-{'feed' if is_in_feed else 'web'}", span.name
    assert first(trace, "tick").given["messaging.destination.name"] == "btcusdt@aggTrade"
    draw = next(span for span in trace if span.name in DRAWN)
    (written,) = [span for span in trace if span.id == draw.parent]
    assert written.given["truecandle.sockets"] == 1
    assert first(trace, "publish live_price").kind == "producer"
    assert first(trace, "receive live_price").kind == "consumer"
    assert {one["x-key"] for one in lowered(collector)} == {"a b,c"}


def test_an_official_candle_is_one_trace_from_its_close(
    system: System, collector: TraceCollector
) -> None:
    trace = wait_for(lambda: collector.trace({"official candle", *CANDLE}), what="a candle")
    assert trace
    check(trace, CANDLE)
    root, waited = first(trace, "official candle"), first(trace, "wait for the close")
    assert root.service == "truecandle-fetcher"
    assert root.given["truecandle.symbol"] == "BTCUSDT"
    assert waited.start_ns == root.start_ns
    assert waited.end_ns - waited.start_ns >= 2_000_000_000  # SETTLE_MS, nearly


def test_a_request_stands_below_its_caller_and_shows_nothing_secret(
    system: System, collector: TraceCollector
) -> None:
    def ask(path: str, caller: str, flags: str, **headers: str) -> requests.Response:
        given = {"traceparent": f"00-{caller}-{PARENT}-{flags}", **headers}
        return requests.get(f"{system.url}{path}", headers=given, timeout=20)

    def traced(path: str) -> tuple[requests.Response, TakenSpan]:
        """An answer and its span; asked for again if too many traces began in that second."""

        def asked() -> tuple[requests.Response, TakenSpan] | None:
            caller = secrets.token_hex(16)
            answer = ask(path, caller, "01", **secret)
            until_s = time.monotonic() + SPAN_S
            while time.monotonic() < until_s:
                for span in list(collector.spans):
                    if span.trace == caller:
                        return answer, span
                time.sleep(POLL_S)
            return None

        found = wait_for(asked, what=f"the span of {path}")
        assert found
        return found

    secret = {"Authorization": "Bearer S3cretToken", "User-Agent": "S3cretAgent"}
    unwanted = secrets.token_hex(16)
    assert ask("/data?symbol=BTCUSDT&interval=1m", unwanted, "00").status_code == 200
    answer, known = traced("/gaps?symbol=BTCUSDT&interval=1m&S3cretQuery=1")
    _, unknown = traced("/S3cretPath")
    assert (known.name, known.kind, known.parent) == ("GET /gaps", "server", PARENT)
    assert known.given["http.response.status_code"] == answer.status_code
    assert known.given["truecandle.request_id"] == answer.headers["X-Request-ID"]
    assert known.given["http.route"] == known.given["url.path"] == "/gaps"
    assert unknown.name == "GET" and unknown.given["http.response.status_code"] == 404
    assert "S3cret" not in repr(collector.spans)
    assert unwanted not in {span.trace for span in collector.spans}


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
        system.roles[role].wait_for_line(f"traces to {collector.url}/v1/traces: ")
    collector.answer = lambda: 200
    for role in COMMANDS:
        system.roles[role].wait_for_line("taken again")
    is_over = threading.Event()
    collector.answer = lambda: 200 if is_over.wait() else 503
    try:
        for role in COMMANDS:
            assert system.roles[role].end(timeout_s=HANGS_S) == 0
    finally:
        is_over.set()


def lowered(collector: TraceCollector) -> list[dict[str, str]]:
    return [{name.lower(): one[name] for name in one} for one in collector.headers]

"""Spans on their way to a collector: what leaves, what is lost, and who is told.

Never here: the roles (`tests/e2e/test_traces.py`).
Invariant: the collector is a real server, or nobody.
"""

from __future__ import annotations

import logging

import pytest

from tests.support.running_feed import NOBODY
from tests.support.trace_collector import TraceCollector
from tests.support.waiting import HANGS_S, wait_for
from truecandle import tracing
from truecandle.config import Settings
from truecandle.tracing import sending
from truecandle.tracing.sending import BATCH_MAX, WAITING_MAX
from truecandle.tracing.spans import TRACES_PER_S


def settings(url: str, share: float = 1.0) -> Settings:
    return Settings(traces_url=f"{url}/v1/traces", traces_sample=share)


def test_spans_are_sent_with_their_parents_and_what_went_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "ANSWER_S", HANGS_S)
    with TraceCollector() as collector, tracing.opened(settings(collector.url), "feed") as traces:
        assert traces
        root = traces.begin("root", "internal", start_ns=1_000)
        traces.record("child", "client", 2_000, 3_000, root.place, {"a": 1, "b": "c"})
        root.end(4_000, error="not done")
        wait_for(lambda: traces.counts() == {"sent": 2, "lost": 0}, what="two spans sent")
        root_span, child = collector.named("root")[0], collector.named("child")[0]
    assert (root_span.service, root_span.parent, root_span.is_error) == (
        "truecandle-feed",
        "",
        True,
    )
    assert (root_span.start_ns, root_span.end_ns) == (1_000, 4_000)
    assert (child.parent, child.kind, child.given) == (root_span.id, "client", {"a": 1, "b": "c"})


def test_what_finds_no_room_is_lost_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), tracing.opened(settings(NOBODY), "feed") as traces:
        assert traces
        for _ in range(WAITING_MAX + BATCH_MAX):
            traces.begin("any", "internal").end()
        assert traces.counts()["lost"] >= BATCH_MAX and traces.counts()["sent"] == 0
    wait_for(lambda: traces.counts()["lost"] == WAITING_MAX + BATCH_MAX, what="the end of all")
    said = [one for one in caplog.records if one.name == sending.__name__]
    assert 1 <= len(said) < WAITING_MAX // BATCH_MAX and NOBODY in said[0].getMessage()


def test_without_a_share_or_a_place_nothing_is_traced_and_a_second_begins_few() -> None:
    for none in (Settings(), settings(NOBODY, 0.0)):
        with tracing.opened(none, "feed") as traces:
            assert traces is None
    with TraceCollector() as collector, tracing.opened(settings(collector.url), "web") as traces:
        assert traces
        begun = [traces.is_due() for _ in range(50 * TRACES_PER_S)]
        assert TRACES_PER_S <= sum(begun) < len(begun)
        traces.share = 0.0
        assert not traces.is_due()

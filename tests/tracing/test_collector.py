"""Whether the collector takes traces, as `flask doctor` is told.

Never here: sending spans (`test_sending`).
Invariant: the collector is a real server, or nobody.
"""

from __future__ import annotations

from tests.support.running_feed import NOBODY
from tests.support.trace_collector import TraceCollector
from truecandle.config import Settings
from truecandle.tracing import collector


def test_a_collector_that_takes_traces_is_told_from_others() -> None:
    assert collector.problem(Settings()) == ""
    secret = (("Authorization", "S3cret"),)
    with TraceCollector() as there:
        settings = Settings(traces_url=f"{there.url}/v1/traces", traces_headers=secret)
        assert collector.problem(settings) == "" and there.spans == []
        assert {one["Authorization"] for one in there.headers} == {"S3cret"}
        there.answer = lambda: 401
        assert collector.problem(settings) == "it answers HTTP 401"
    gone = Settings(traces_url=f"{NOBODY}/v1/traces", traces_headers=secret)
    said = collector.problem(gone)
    assert said.startswith("it does not answer: ") and "S3cret" not in said

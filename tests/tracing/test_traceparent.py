"""The `traceparent` of W3C Trace Context, read and written.

Never here: spans.
Invariant: the cases are the specification's own kinds.
"""

from __future__ import annotations

import pytest

from truecandle.tracing.traceparent import TraceParent, parse_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_parent_is_read_as_it_is_written() -> None:
    found = parse_traceparent(f"00-{TRACE}-{SPAN}-01")
    assert found == TraceParent(int(TRACE, 16), int(SPAN, 16), True)
    assert str(found) == f"00-{TRACE}-{SPAN}-01"
    assert str(TraceParent(1, 2, False)) == f"00-{1:032x}-{2:016x}-00"
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-02") == found._replace(is_sampled=False)
    assert parse_traceparent(f"cc-{TRACE}-{SPAN}-01-what-comes") == found


@pytest.mark.parametrize(
    "text",
    [
        "", "00", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE}-{SPAN}",
        f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01\n",
    ],
)  # fmt: skip
def test_what_is_not_well_formed_is_none(text: str) -> None:
    assert parse_traceparent(text) is None

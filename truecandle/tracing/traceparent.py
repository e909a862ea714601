"""The `traceparent` of W3C Trace Context: to which trace, and below which span, something belongs.

Never here: spans, the library that makes them.
Invariant: what is not well formed is none.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: A later version may have more behind what is known of it.
_FORM: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = 0x01


class TraceParent(NamedTuple):
    """A span by its trace's and its own id. `is_sampled`: its trace is recorded."""

    trace_id: int
    span_id: int
    is_sampled: bool = True

    def __str__(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{int(self.is_sampled):02x}"


def parse_traceparent(text: str) -> TraceParent | None:
    """None for what is none."""
    found = _FORM.fullmatch(text)
    if found is None or (found[5] and found[1] == "00"):
        return None
    trace_id, span_id, flags = (int(found[at], 16) for at in (2, 3, 4))
    return TraceParent(trace_id, span_id, bool(flags & _SAMPLED)) if trace_id and span_id else None

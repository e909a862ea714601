"""Traces: what one tick, official candle or request went through, and how long each step took.

Optional, by OpenTelemetry: without `TRACES_URL` nothing of it is imported, and whoever could make a
span has None to look at.

Never here: what is traced (each role knows that of its own).
Invariant: tracing never delays a role and never ends one, whatever the collector does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from truecandle.config import Settings

if TYPE_CHECKING:
    from truecandle.tracing.spans import Tracing


@contextmanager
def opened(settings: Settings, role: str) -> Iterator[Tracing | None]:
    """The traces of a role (`web`, `fetcher`, `feed`) until the block ends; None where the settings
    want none. What waits to be sent then is sent within `FLUSH_S`, or lost."""
    if not settings.traces_url or not settings.traces_sample:
        yield None
        return
    from truecandle.tracing.sending import open_tracing

    tracing = open_tracing(settings, role)
    try:
        yield tracing
    finally:
        tracing.close()

"""What the connections tell besides trades and klines: streams that go live or are lost.

Never here: who decides it (`connection`), what it means for a candle.
Invariant: seconds are those of `time.monotonic`, that only grow; reasons are short sentences.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """From here on, in order with trades and klines, these streams are live or lost.

    While a stream is live, all that the exchange sends on it comes in, through every planned
    renewal. What it sends from a loss until the stream is live again does not, or not surely.
    """

    names: tuple[str, ...]
    is_live: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Health:
    """How a stream is: live or lost, since when and why; when it was last heard.

    `heard_s`: its own last event. `pong_s`: the last sign of life of its connection, a pong or
    any message. None: never. A stream that nobody follows is not live.
    """

    is_live: bool
    since_s: float
    heard_s: float | None
    pong_s: float | None
    reason: str

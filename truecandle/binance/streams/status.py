"""What the connections tell besides trades and klines: streams that go live or are lost; counts.

Never here: who decides it (`connection`), what it means for a candle.
Invariant: seconds are those of `time.monotonic`, that only grow; reasons are short sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from truecandle.candles.trades import Kline, Trade


@dataclass(frozen=True, slots=True)
class StreamStatusChange:
    """From here on, in order with trades and klines, these streams are live or lost.

    While a stream is live, all that the exchange sends on it comes in, through every planned
    renewal. What it sends from a loss until the stream is live again does not, or not surely.
    """

    names: tuple[str, ...]
    is_live: bool
    reason: str


#: What comes of a connection, in order.
StreamEvent: TypeAlias = Trade | Kline | StreamStatusChange


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """How a stream is: live or lost, since when and why; when it was last heard.

    `heard_s`: its own last event. `pong_s`: the last sign of life of its connection, a pong or
    any message. None: never. A stream that nobody follows is not live.
    """

    is_live: bool
    since_s: float
    heard_s: float | None
    pong_s: float | None
    reason: str


@dataclass(slots=True)
class ConnectionCounts:
    """What came and what went wrong on one connection, since the start."""

    messages: int = 0
    malformed: int = 0
    foreign: int = 0
    refused: int = 0
    connects: int = 0
    failures: int = 0
    stalls: int = 0
    renewals: int = 0

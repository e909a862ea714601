"""Candles from a TrueCandle server: history in pages, and a watch of what is official and forming.

    Client         asks with requests, watches in a thread
    AsyncClient    the same with aiohttp, in an event loop (`truecandle-client[async]`)
    Candle, Page   what comes: times in ms (UTC), prices and volumes as exact `Decimal`s
    ClientError    all that can go wrong (`errors`)

Never here: the server, which this package knows by its description alone.
Invariant: no number is ever a float unless it is asked for by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truecandle_client.candle import Candle
from truecandle_client.client import Client
from truecandle_client.errors import (
    ClientError,
    Forbidden,
    Malformed,
    NotFound,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from truecandle_client.frames import to_pandas, to_polars
from truecandle_client.pages import Page

if TYPE_CHECKING:
    from truecandle_client.async_client import AsyncClient

__all__ = [
    "AsyncClient",
    "Candle",
    "Client",
    "ClientError",
    "Forbidden",
    "Malformed",
    "NotFound",
    "Page",
    "Problem",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "to_pandas",
    "to_polars",
]


def __getattr__(name: str) -> Any:
    """`AsyncClient` is imported when it is wanted: it alone needs aiohttp."""
    if name == "AsyncClient":
        from truecandle_client.async_client import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

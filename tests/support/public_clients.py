"""The exchange's public clients, ccxt and python-binance, pointed at another server.

Never here: assertions about what they answer.
Invariant: only their URLs and their key are changed, through their own public settings; what they
open is closed.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import ccxt
import ccxt.pro

with warnings.catch_warnings():
    # python-binance imports names that its WebSocket library has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import binance
    from binance.exceptions import BinanceAPIException

__all__ = [
    "BinanceAPIException",
    "binance_client",
    "ccxt_client",
    "ccxt_stream_client",
    "stream_client",
]


def ccxt_client(rest_url: str, **settings: Any) -> ccxt.binance:
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
    client = ccxt.binance({"enableRateLimit": False, "options": options, **settings})
    client.urls["api"]["public"] = f"{rest_url}/api/v3"
    return client


@contextmanager
def binance_client(rest_url: str, key: str | None = None) -> Iterator[binance.Client]:
    class Local(binance.Client):
        API_URL = f"{rest_url}/api"

    loop = asyncio.new_event_loop()  # it would make one, and leave it open
    asyncio.set_event_loop(loop)
    client = Local(key)
    try:
        yield client
    finally:
        client.close_connection()
        asyncio.set_event_loop(None)
        loop.close()


def ccxt_stream_client(url: str, key: str) -> ccxt.pro.binance:
    headers = {"X-MBX-APIKEY": key}
    client = ccxt.pro.binance(
        {
            "headers": headers,
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "ws": {"options": {"headers": headers}},
            },
        }
    )
    client.urls["api"]["public"] = f"{url}/api/v3"
    client.urls["api"]["ws"]["spot"] = f"{url.replace('http', 'ws')}/ws"
    return client


@asynccontextmanager
async def stream_client(
    url: str, key: str, kind: str, *args: Any, **options: Any
) -> AsyncIterator[binance.ws.reconnecting_websocket.ReconnectingWebsocket]:
    """A `ReconnectingWebsocket` of python-binance: its `kline_socket`, `aggtrade_socket` …"""

    class Local(binance.AsyncClient):
        API_URL = f"{url}/api"

    client = await Local.create(key)
    manager = binance.BinanceSocketManager(client)
    manager.STREAM_URL = f"{url.replace('http', 'ws')}/"
    manager.ws_kwargs = {"additional_headers": {"X-MBX-APIKEY": key}}
    try:
        async with getattr(manager, f"{kind}_socket")(*args, **options) as stream:
            yield stream
    finally:
        await client.close_connection()

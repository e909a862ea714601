"""The exchange's public clients, ccxt and python-binance, pointed at the simulated one.

Never here: assertions about what they answer.
Invariant: only their URLs are changed, through their own public settings; what they open is closed.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import ccxt

from truecandle.sim.server import SimServer

with warnings.catch_warnings():
    # python-binance imports names that its WebSocket library has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import binance


def ccxt_client(server: SimServer) -> ccxt.binance:
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
    client = ccxt.binance({"enableRateLimit": False, "options": options})
    client.urls["api"]["public"] = f"{server.rest_url}/api/v3"
    return client


@contextmanager
def binance_client(server: SimServer) -> Iterator[binance.Client]:
    class Local(binance.Client):
        API_URL = f"{server.rest_url}/api"

    loop = asyncio.new_event_loop()  # it would make one, and leave it open
    asyncio.set_event_loop(loop)
    client = Local()
    try:
        yield client
    finally:
        client.close_connection()
        asyncio.set_event_loop(None)
        loop.close()

"""freqtrade's own REST server, with 1,000 candles of one pair in memory, as a running bot has them.

    var/bench/freqtrade/bin/python bench/parts/freqtrade_peer.py PORT

Run in freqtrade's environment, so nothing of this project is imported. The server, its routes and
its RPC are freqtrade's; only the bot behind them is a stand-in, which has candles and trades not.

Never here: measuring.
Invariant: what is answered is made anew for each request, as freqtrade does it.
"""

from __future__ import annotations

import random
import signal
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pandas
from freqtrade.enums import RunMode
from freqtrade.persistence import init_db
from freqtrade.rpc import RPC
from freqtrade.rpc.api_server import ApiServer

CANDLES = 1_000
START = datetime(2024, 1, 1, tzinfo=UTC)


class Candles:
    """Of the bot's data provider what the route asks it."""

    def __init__(self) -> None:
        dice = random.Random(7)
        prices = [42_000 + dice.uniform(-20, 20) for _ in range(CANDLES)]
        columns: dict[str, Any] = {
            "date": pandas.date_range(START, periods=CANDLES, freq="min"),
            "open": prices,
            "high": [one + 9 for one in prices],
            "low": [one - 9 for one in prices],
            "close": prices,
            "volume": [dice.uniform(1, 60) for _ in prices],
        }
        self._frame = pandas.DataFrame(columns)

    def get_analyzed_dataframe(self, pair: str, timeframe: str) -> tuple[Any, datetime]:
        return self._frame, START


def main(port: str) -> None:
    config: dict[str, Any] = {
        "runmode": RunMode.DRY_RUN,
        "strategy": "none",
        "timeframe": "1m",
        "api_server": {
            "listen_ip_address": "127.0.0.1", "listen_port": int(port), "verbosity": "error",
            "username": "bench", "password": "bench", "jwt_secret_key": "x" * 32,
        },
    }  # fmt: skip
    init_db("sqlite://")
    strategy = SimpleNamespace(ft_plot_annotations=lambda **_: [])
    bot = SimpleNamespace(config=config, dataprovider=Candles(), strategy=strategy)
    server = ApiServer(config)
    server.add_rpc_handler(RPC(bot))
    print("freqtrade: listening", flush=True)
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    server.cleanup()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
    main(*sys.argv[1:])

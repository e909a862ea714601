"""`python -m truecandle.sim`: runs the simulated exchange until it is told to stop.

Never here: anything but reading the command line, starting and stopping.
Invariant: exits 0 within two seconds of SIGTERM or SIGINT; 1 with one line when the port is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys

from truecandle.candles.decimals import whole_in_text
from truecandle.candles.interval import LAST_MS
from truecandle.sim.archive import replayed
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.listed import LISTED_MAX
from truecandle.sim.market import SimulatedMarket, simulated
from truecandle.sim.server import HOST, Exchange, listen
from truecandle.sim.stream_publisher import PingPace
from truecandle.sim.variant import VARIANTS
from truecandle.urls import is_port

#: Symbols that the first line names.
NAMED_MAX = 10


def main() -> int:
    """Reads the command line and serves."""
    options = _options()
    try:
        listener = listen(options.port)
    except OSError:
        print(
            f"sim: port {options.port} is taken; stop what uses it, or choose another with --port",
            file=sys.stderr,
        )
        return 1
    try:
        market = _market(options)
    except (OSError, ValueError) as error:
        print(f"sim: {error}", file=sys.stderr)
        return 1
    exchange = Exchange(
        market,
        pace=PingPace(fast=options.fast),
        seed=options.seed,
        variant=VARIANTS[options.variant],
    )
    port = listener.getsockname()[1]
    text = f"Simulated exchange: {_named(market.symbols)} on http://{HOST}:{port}"
    asyncio.run(_serve(exchange, listener, text))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m truecandle.sim", description=main.__doc__)
    parser.add_argument("--port", type=_port, default=9000, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another market")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT,SOLUSDT")
    parser.add_argument(
        "--listed",
        type=_count,
        default=0,
        metavar="N",
        help=f"so many synthetic symbols beside them, {LISTED_MAX:,} at most",
    )
    parser.add_argument(
        "--variant",
        choices=VARIANTS,
        default="binance",
        help="which exchange of the family",
    )
    parser.add_argument(
        "--replay",
        nargs="+",
        metavar="[SYMBOL[:INTERVAL]=]FILE",
        help="recorded rows and trades instead of simulated symbols",
    )
    parser.add_argument("--start", type=_moment, metavar="MS", help="its time at the start")
    parser.add_argument("--speed", type=float, default=1.0, help="0 stands still, 60 is a minute/s")
    parser.add_argument("--fast", action="store_true", help="as fast as the clients read")
    return parser.parse_args()


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= LISTED_MAX):
        raise argparse.ArgumentTypeError(f"allowed: a whole number from 0 to {LISTED_MAX}")
    return int(text)


def _named(symbols: list[str]) -> str:
    """The first ones by name, and how many more there are."""
    more = len(symbols) - NAMED_MAX
    return ", ".join(symbols[:NAMED_MAX]) + (f" and {more:,} more" if more > 0 else "")


def _port(text: str) -> int:
    if text != "0" and not is_port(text):
        raise argparse.ArgumentTypeError("allowed: a whole number from 0 to 65535")
    return int(text)


def _moment(text: str) -> int:
    ms = whole_in_text(text, 0, LAST_MS - 1)
    if ms is None:
        raise argparse.ArgumentTypeError(f"allowed: ms since 1970 (UTC), less than {LAST_MS}")
    return ms


def _market(options: argparse.Namespace) -> SimulatedMarket:
    speed = 0.0 if options.fast else options.speed
    if options.replay:
        market = replayed(options.replay)
        market.clock.set(options.start or market.clock.now_ms())
        market.clock.run(speed)
        return market
    symbols = [symbol.strip() for symbol in options.symbols.split(",") if symbol.strip()]
    return simulated(options.seed, symbols, SimulatedClock(options.start, speed), options.listed)


async def _serve(exchange: Exchange, listener: socket.socket, text: str) -> None:
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await exchange.start(listener)
    print(text, flush=True)
    await over.wait()
    await exchange.stop()


if __name__ == "__main__":
    raise SystemExit(main())

"""The `flask` command against a real Redis, the simulated exchange and a local archive.

Never here: assertions.
Invariant: nothing between the command and the wire is replaced.
"""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from redis import Redis

from tests.support.driven_fetcher import NOW_MS
from truecandle import admin
from truecandle.config import Settings
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer


class Shelf:
    """Archives in a folder, served over HTTP. `asked` are the paths so far, found or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        shelf = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                shelf.asked.append(self.path)

        serve = partial(Handler, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, symbol: str, interval: str, day: str, text: str, digest: str = "") -> None:
        """An archive with this CSV text; `digest` instead of its true one."""
        span = "monthly" if len(day) == 7 else "daily"
        name = f"{symbol}-{interval}-{day}"
        place = self.folder / "data" / "spot" / span / "klines" / symbol / interval
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(f"{name}.csv", text)
        digest = digest or hashlib.sha256(path.read_bytes()).hexdigest()
        (place / f"{name}.zip.CHECKSUM").write_text(f"{digest}  {name}.zip\n")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    served = Shelf(tmp_path)
    yield served
    served.close()


@pytest.fixture(scope="module")
def exchange() -> Iterator[SimServer]:
    with SimServer(symbols=["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def sim(exchange: SimServer) -> SimServer:
    exchange.faults.clear()
    exchange.limits.reset()
    exchange.market.restore()
    exchange.exchange.rest.log.clear()
    return exchange


class Shell:
    """Runs commands as an operator would."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def run(self, command: str, *more: str) -> Result:
        cli = click.Group("flask")
        admin.init_app(cli, self.settings)
        return CliRunner().invoke(cli, [*command.split(), *more])

    def ok(self, command: str, *more: str) -> str:
        """What a command that succeeds says."""
        result = self.run(command, *more)
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture
def shell(redis_url: str, redis: Redis, sim: SimServer, shelf: Shelf, tmp_path: Path) -> Shell:
    return Shell(
        Settings(
            redis_url=redis_url,
            binance_rest_url=sim.rest_url,
            binance_archive_url=shelf.url,
            var_dir=tmp_path / "var",
        )
    )


def pages_asked(sim: SimServer) -> list[dict[str, Any]]:
    """The requests for pages of candles, not those for a single one."""
    asked: list[dict[str, Any]] = sim.requests()
    return [one for one in asked if "endTime" in one["params"]]

"""What opening the chart costs a browser: requests, bytes over the wire, time to 500 candles.

    python -m bench.page_load [--rounds 3]

Never here: what the page does afterwards (`tick_to_bar`), assertions.
Invariant: the server is the real one on loopback; only the browser's network is slowed down.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.chromium import chromium
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

CANDLES = 500
#: As the page's own address, a bookmark or a link names it.
SERIES = ("BTCUSDT", "1m")
ROUNDS = 3
#: Latency in ms and bytes per second, as Chromium's own presets have them.
NETWORKS = {"none": (0.0, -1.0), "fast 3G": (150.0, 200_000.0), "slow 3G": (400.0, 50_000.0)}
#: In every frame: when the page first held as many candles as it asks for.
NOTICE = f"""
const look = () => {{
  const bars = globalThis.truecandle?.bars().length ?? 0;
  if (bars >= {CANDLES}) globalThis.filledMs = performance.now();
  else requestAnimationFrame(look);
}};
requestAnimationFrame(look);
"""
LOAD_LIMIT_S = 60.0


@dataclass
class Visit:
    """One opening of the page. `filled_ms` is from the navigation to the candles."""

    requests: int = 0
    bytes: int = 0
    filled_ms: float = 0.0
    cached: set[str] = field(default_factory=set)

    def listen(self, cdp: Any) -> None:
        cdp.on("Network.requestServedFromCache", lambda event: self.cached.add(event["requestId"]))
        cdp.on("Network.responseReceived", self._answered)
        cdp.on("Network.loadingFinished", self._finished)

    def _answered(self, event: dict[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            self.cached.add(event["requestId"])
        if event["requestId"] not in self.cached:
            self.requests += 1

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] not in self.cached:
            self.bytes += round(event["encodedDataLength"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), Roles(), INTERVALS="1m", HISTORY_CANDLES="600", PUBLIC_READS="1"
        )
        try:
            system.open()
            measure(f"{system.url}/?symbol={SERIES[0]}&interval={SERIES[1]}", rounds)
        finally:
            system.close()


def measure(url: str, rounds: int) -> None:
    print(f"{'network':<9} {'visit':<7} requests   kB   ms to {CANDLES} candles (each round)")
    with chromium() as browser:
        for name in NETWORKS:
            visits: dict[str, list[Visit]] = {"first": [], "second": []}
            for _ in range(rounds):
                context = browser.new_context()
                for each in visits.values():
                    each.append(visit(context, url, name))
                context.close()
            for which, each in visits.items():
                print(line(name, which, each), flush=True)


def visit(context: BrowserContext, url: str, network: str) -> Visit:
    page = context.new_page()
    page.add_init_script(NOTICE)
    cdp = context.new_cdp_session(page)
    latency_ms, bytes_per_s = NETWORKS[network]
    conditions = {"offline": False, "latency": latency_ms}
    cdp.send("Network.enable")
    cdp.send(
        "Network.emulateNetworkConditions",
        conditions | {"downloadThroughput": bytes_per_s, "uploadThroughput": bytes_per_s},
    )
    found = Visit()
    found.listen(cdp)
    page.goto(url)
    ask = "globalThis.filledMs ?? 0"
    found.filled_ms = wait_for(lambda: page.evaluate(ask), LOAD_LIMIT_S, f"{CANDLES} candles")
    page.close()
    return found


def line(network: str, which: str, visits: list[Visit]) -> str:
    requests = statistics.median(visit.requests for visit in visits)
    kilobytes = statistics.median(visit.bytes for visit in visits) / 1000
    times = " ".join(f"{visit.filled_ms:.0f}" for visit in visits)
    return f"{network:<9} {which:<7} {requests:8.0f} {kilobytes:5.0f}   {times}"


if __name__ == "__main__":
    main()

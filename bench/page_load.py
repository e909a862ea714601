"""What opening the chart costs a browser: requests, bytes over the wire, time to 500 candles.

    python -m bench.page_load [--rounds 3]

Never here: what the page does afterwards (`tick_to_bar`), assertions.
Invariant: the server is the real one on loopback; only the browser's network is slowed down.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.parts.targets import Figures, Found, Target
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
TARGETS = {
    "first": Target("first visit, to 500 candles on the page", "ms", 1_000, at_most=True),
    "second": Target("second visit, to 500 candles on the page", "ms", 1_000, at_most=True),
    "first kB": Target("first visit, bodies", "kB", 130, at_most=True),
    "first requests": Target("first visit, requests", "", 12, at_most=True),
    "second kB": Target("second visit, bodies", "kB", 25, at_most=True),
    "second requests": Target("second visit, requests", "", 3, at_most=True),
}
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
    """One opening of the page. `filled_ms` is from the navigation to the candles; `bytes` counts
    all that answers had, `bodies` what is left without their heads."""

    requests: int = 0
    bytes: int = 0
    bodies: int = 0
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
            self.bodies -= round(event["response"]["encodedDataLength"])

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] not in self.cached:
            self.bytes += round(event["encodedDataLength"])
            self.bodies += round(event["encodedDataLength"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    measured(parser.parse_args().rounds, list(NETWORKS))


def short() -> Figures:
    """For `make bench`: half a minute, without a limit to the network."""
    first, second = measured(ROUNDS, ["none"])["none"].values()
    return {
        "first": Found(statistics.median(one.filled_ms for one in first)),
        "second": Found(statistics.median(one.filled_ms for one in second)),
        "first kB": Found(statistics.median(one.bodies for one in first) / 1000),
        "first requests": Found(statistics.median(one.requests for one in first)),
        "second kB": Found(statistics.median(one.bodies for one in second) / 1000),
        "second requests": Found(statistics.median(one.requests for one in second)),
    }


def measured(rounds: int, networks: Sequence[str]) -> dict[str, dict[str, list[Visit]]]:
    """By network, what first and second visits were like."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), Roles(), INTERVALS="1m", HISTORY_CANDLES="600", PUBLIC_READS="1"
        )
        try:
            system.open()
            url = f"{system.url}/?symbol={SERIES[0]}&interval={SERIES[1]}"
            return measure(url, rounds, networks)
        finally:
            system.close()


def measure(url: str, rounds: int, networks: Sequence[str]) -> dict[str, dict[str, list[Visit]]]:
    print(f"{'network':<9} {'visit':<7} requests   kB   ms to {CANDLES} candles (each round)")
    found: dict[str, dict[str, list[Visit]]] = {}
    with chromium() as browser:
        for name in networks:
            visits = found[name] = {"first": [], "second": []}
            for _ in range(rounds):
                context = browser.new_context()
                for each in visits.values():
                    each.append(visit(context, url, name))
                context.close()
            for which, each in visits.items():
                print(line(name, which, each), flush=True)
    return found


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

"""Does a real Prometheus have something for every expression of the dashboard, and no alert?

    .venv/bin/python -m bench.dashboard [--minutes 2] [--keep FOLDER]

A whole system on simulated data, its `/metrics` scraped by `deploy/prometheus/prometheus.yml` with
a token. After that time every expression of dashboard and rules is asked for; a table says what it
found. Exits with 1 where one has no answer that its panel does not explain, or where an alert is
raised although nothing is wrong. `--keep` takes what Prometheus said into a folder, as JSON.

Never here: Grafana, which draws these answers.
Invariant: what it started it ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.support.monitoring_files import dashboard
from tests.support.prometheus_server import PrometheusServer
from tests.support.role_processes import ended
from tests.support.waiting import wait_for
from tests.support.whole_system import System, ask

#: What Grafana makes of `$__rate_interval` where a scrape is 15 s apart.
RATE_INTERVAL = "1m"
#: How a panel says that it may well be empty.
MAY_BE_EMPTY = "Empty until it happens."
SERIES_SHOWN = 3
SLEEP_S = 1.0


class Asked(NamedTuple):
    """One expression, and what there was."""

    panel: str
    expression: str
    series: list[dict[str, Any]]
    may_be_empty: bool

    @property
    def is_wrong(self) -> bool:
        """Nothing at all, or nothing but what is no number."""
        return not self.may_be_empty and not any(one["value"][1] != "NaN" for one in self.series)

    def row(self) -> str:
        told = [
            f"{','.join(v for k, v in one['metric'].items() if k in LABELS) or '·'}"
            f"={float(one['value'][1]):.4g}"
            for one in self.series[:SERIES_SHOWN]
        ]
        mark = "NONE" if self.is_wrong else f"{len(self.series):4}"
        return f"{mark} {self.panel[:34]:34} {' '.join(told)}"


LABELS = ("role", "state", "interval", "reason", "quantile", "kind", "status", "route", "queue")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ended() as processes:
        folder = Path(name)
        system = System(folder, processes)
        prometheus = PrometheusServer(folder)
        try:
            system.open()
            target = system.url.removeprefix("http://")
            prometheus.start(processes, target, system.token())
            wait_for(prometheus.is_ready, what="Prometheus")
            _use(system, options.minutes * 60)
            return _tell(prometheus, options.keep)
        finally:
            system.close()


def _use(system: System, for_s: float) -> None:
    """Somebody reads, and now and then wrongly, so that there is something to see."""
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        ask(system, "/data", limit="500")
        requests.get(f"{system.url}/nowhere", timeout=10)
        time.sleep(SLEEP_S)


def _tell(prometheus: PrometheusServer, keep: Path | None) -> int:
    asked = list(_ask(prometheus))
    rules = [one for group in prometheus.ask("rules")["groups"] for one in group["rules"]]
    targets = prometheus.ask("targets")["activeTargets"]
    for one in asked:
        print(one.row())
    for rule in rules:
        print(f"{rule['state']:9} {rule['health']:5} {rule['name']}")
    print(f"scraped: {[(one['health'], one['lastError']) for one in targets]}")
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        told = [one._asdict() for one in asked]
        (keep / "expressions.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    wrong = [one.expression for one in asked if one.is_wrong]
    raised = [one["name"] for one in rules if one["state"] != "inactive" or one["health"] != "ok"]
    print(f"{len(asked)} expressions, without an answer: {wrong or 'none'}")
    print(f"{len(rules)} alerts, raised: {raised or 'none'}")
    return 1 if wrong or raised or any(one["health"] != "up" for one in targets) else 0


def _ask(prometheus: PrometheusServer) -> Iterator[Asked]:
    for panel in dashboard()["panels"]:
        may_be_empty = panel.get("description") == MAY_BE_EMPTY
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$__rate_interval", RATE_INTERVAL)
            found = prometheus.query(expression)
            yield Asked(panel["title"], expression, found, may_be_empty)


if __name__ == "__main__":
    sys.exit(main())

"""Watches a running demo: is every closed candle the truth, and is there ever a hole?

Start `make demo INTERVALS=1s,1m` first, then, with a token from `flask token add`:

    .venv/bin/python -m bench.demo_soak --minutes 15 --token TOKEN

It samples `/data?live=1` of one series after the other, ten samples a second, and in the end
compares every candle stored since its start with the simulated exchange's own. It stops by itself
and exits with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from typing import Any

import redis
import requests

from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.store import keys

SAMPLE_S = 0.1
SAMPLE_CANDLES = 30
REQUEST_S = 5.0
PAGE = 1000


def main() -> int:
    options = _options()
    series = [
        Series(symbol, INTERVALS[interval])
        for symbol in options.symbols.split(",")
        for interval in options.intervals.split(",")
    ]
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {options.token}"
    started_ms = _exchange_ms(http, options.sim)
    counts = _sample(http, options, series)
    ended_ms = _exchange_ms(http, options.sim)
    for one in series:
        counts.update(_compare(http, options, one, started_ms, ended_ms))
    for name in sorted(counts):
        print(f"{name:40} {counts[name]}")
    bad = sum(n for name, n in counts.items() if name.startswith("bad:"))
    print("all as it should be" if not bad else f"{bad} things are wrong")
    return 1 if bad else 0


def _sample(
    http: requests.Session, options: argparse.Namespace, series: list[Series]
) -> Counter[str]:
    counts: Counter[str] = Counter()
    end_s = time.monotonic() + options.minutes * 60
    number = 0
    while time.monotonic() < end_s:
        began_s = time.monotonic()
        one = series[number % len(series)]
        number += 1
        counts["samples"] += 1
        counts.update(_look(http, options.url, one))
        time.sleep(max(0.0, SAMPLE_S - (time.monotonic() - began_s)))
    return counts


def _look(http: requests.Session, url: str, series: Series) -> Counter[str]:
    query: dict[str, Any] = {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "limit": SAMPLE_CANDLES,
        "time": "ms",
        "live": 1,
    }
    try:
        answer = http.get(f"{url}/data", params=query, timeout=REQUEST_S)
    except requests.RequestException as error:
        print(f"{series}: {error}")
        return Counter({"bad: no answer": 1})
    if answer.status_code != 200:
        print(f"{series}: {answer.status_code} {answer.text[:200]}")
        return Counter({f"bad: status {answer.status_code}": 1})
    body = answer.json()
    opens = body["time"] + [candle["time"] for candle in body["live"]]
    counts = Counter({f"{candle['state']} seen": 1 for candle in body["live"]})
    for before_ms, open_ms in itertools.pairwise(opens):
        if open_ms <= before_ms:
            counts["bad: doubled or unsorted"] += 1
            print(f"{series}: {before_ms} then {open_ms}")
        elif open_ms != series.interval.next_open_ms(before_ms):
            counts["bad: hole"] += 1
            live = [(c["time"], c["state"]) for c in body["live"]]
            print(
                f"{series}: hole {before_ms} to {open_ms}; official to {body['time'][-1]}; {live}"
            )
    return counts


def _compare(
    http: requests.Session, options: argparse.Namespace, series: Series, start_ms: int, end_ms: int
) -> Counter[str]:
    """Every closed candle since the start: in /data as in the exchange's truth, once in Redis."""
    counts: Counter[str] = Counter()
    first_ms = series.interval.open_ms(start_ms)
    truth = {row[0]: row for row in _truth(http, options.sim, series, first_ms, end_ms)}
    stored = _stored(http, options.url, series, first_ms, end_ms)
    settled_ms = end_ms - options.settle_ms - 5_000
    for open_ms, row in truth.items():
        if series.interval.next_open_ms(open_ms) > settled_ms:
            continue
        wanted = [float(value) for value in row[1:6]]
        counts["closed candles compared"] += 1
        if stored.get(open_ms) != wanted:
            counts["bad: not the truth"] += 1
            print(f"{series}: {open_ms} is {stored.get(open_ms)}, should be {wanted}")
    client = redis.Redis.from_url(options.redis)
    members: Any = client.zrange(keys.klines(series), 0, -1, withscores=True)
    scores = {score for _, score in members}
    counts["members in Redis"] += len(members)
    if len(scores) != len(members):
        counts["bad: two members at one time"] += len(members) - len(scores)
    return counts


def _truth(
    http: requests.Session, sim: str, series: Series, start_ms: int, end_ms: int
) -> list[Any]:
    query = {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "start": str(start_ms),
        "end": str(end_ms),
    }
    answer = http.get(f"{sim}/sim/truth", params=query, timeout=30)
    answer.raise_for_status()
    rows: list[Any] = json.loads(answer.content)
    return rows


def _stored(
    http: requests.Session, url: str, series: Series, start_ms: int, end_ms: int
) -> dict[int, list[float]]:
    stored: dict[int, list[float]] = {}
    while start_ms < end_ms:
        query: dict[str, str | int] = {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "start": start_ms,
            "end": end_ms,
            "limit": PAGE,
            "time": "ms",
        }
        answer = http.get(f"{url}/data", params=query, timeout=REQUEST_S)
        answer.raise_for_status()
        body = answer.json()
        columns = [body[name] for name in ("time", "open", "high", "low", "close", "volume")]
        for open_ms, *values in zip(*columns, strict=True):
            stored[open_ms] = [float(value) for value in values]
        if not body["time"]:
            break
        start_ms = body["time"][-1] + 1
    return stored


def _exchange_ms(http: requests.Session, sim: str) -> int:
    return int(http.get(f"{sim}/api/v3/time", timeout=REQUEST_S).json()["serverTime"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:5000")
    parser.add_argument("--sim", default="http://127.0.0.1:9000")
    parser.add_argument("--redis", default="redis://127.0.0.1:6391/0")
    parser.add_argument("--token", required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT,SOLUSDT")
    parser.add_argument("--intervals", default="1s,1m")
    parser.add_argument("--settle-ms", type=int, default=3000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Recorded markets through real sockets, the feed and Redis: is every complete candle the truth?

    .venv/bin/python -m bench.replay_stream [folder with the recordings] [--only WORD] [--jobs 8]

Three recordings, each replayed at real speed, at full speed, shuffled within 500 ms, with every
tenth message doubled, and with ten random disconnections. A simulated exchange replays the trades
(and klines made from them; the recording with klines of its own is sent message by message), the
feed connects to it, recovers from it, and stores and publishes as it always does. Judged is every
candle that browsers are told, and what stands in Redis at the end: closed candles against the
official ones in every field that the official source gives, and every `exact: true`, forming or
closed, against the trades. Before all that, a recording with one trade changed must be noticed.

The whole day of PEPEUSDT runs at real speed from 03:58 to 04:02 and from 23:59 to its end (closings
of 30m, 4h and 1d); the rest as fast as all is read. Takes about 12 minutes; exits with 1 if
anything differs.
"""

from __future__ import annotations

import argparse
import gzip
import math
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from tests.support.market_replay import Manner, Outcome, replay
from tests.support.recordings import Recording, covered, moment, official, stream
from tests.support.redis_server import RedisProc

REAL = Manner("real speed")
FULL = Manner("full speed", is_fast=True)
MANNERS = (
    REAL,
    FULL,
    Manner("shuffled within 500 ms", is_shuffled=True),
    Manner("every tenth doubled", is_doubled=True),
    Manner("ten disconnections", drops=10),
)
COMPRESSED = math.inf
WRONG_SHOWN = 10


def main() -> int:
    options = _options()
    folder = Path(options.folder)
    with tempfile.TemporaryDirectory() as scratch:
        if not plant_is_noticed(folder, Path(scratch)):
            return 1
    jobs = [(one, manner) for one in recordings(folder) for manner in MANNERS]
    jobs = [job for job in jobs if options.only in f"{job[0].name} {job[1].name}"]
    if not jobs:
        sys.exit(f"--only {options.only}: no replay has that in its name")
    found: dict[tuple[str, str], Outcome] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        running = {pool.submit(played, *job): job for job in jobs}
        for done in as_completed(running):
            recording, manner = running[done]
            found[recording.name, manner.name] = done.result()
            print(f"done: {recording.name}, {manner.name}", file=sys.stderr, flush=True)
    return table([(one.name, manner.name, found[one.name, manner.name]) for one, manner in jobs])


def played(recording: Recording, manner: Manner) -> Outcome:
    with tempfile.TemporaryDirectory() as data, RedisProc(Path(data)) as server:
        return replay(recording, manner, server.url)


def table(rows: list[tuple[str, str, Outcome]]) -> int:
    """Prints what became of each replay; 1 if anything was wrong."""
    head = ("recording", "replayed", "candles", "equal", "fields", "told", "complete", "false",
            "proven ms", "drops", "connects", "aggTrades", "klines", "s")  # fmt: skip
    lines: list[tuple[str, ...]] = [head]
    for name, manner, one in rows:
        false = sum("told" not in text and "stored" not in text for text in one.wrong)
        numbers = (one.wanted, one.equal, one.fields, one.told, one.claimed, false, one.proven_ms)
        counts = [one.counts.get(key, 0) for key in ("drops", "connects", "aggTrades", "klines")]
        lines.append((name, manner, *map(str, (*numbers, *counts, round(one.seconds)))))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        cells = [
            text.ljust(width) if i < 2 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells))
    for name, manner, one in rows:
        for text in one.wrong[:WRONG_SHOWN]:
            print(f"WRONG: {name}, {manner}: {text}")
    wrong = sum(len(one.wrong) for *_, one in rows)
    print(f"{wrong} differences" if wrong else "no difference")
    print(
        "candles: official ones that the recording covers from their first trade; fields: how many "
        "of a candle's\ntheir source gives; told, complete: candles told to browsers, and those "
        "that said complete, each\ncompared with the trades in 11 fields; proven ms: the longest "
        "time from an interval's end until its\nproof was told, where the clock ran at real speed."
    )
    return 1 if wrong else 0


def plant_is_noticed(folder: Path, scratch: Path) -> bool:
    """Whether one trade with another quantity makes a replay fail."""
    (whole, *_) = recordings(folder)
    path = Path(whole.sources[0].rpartition("=")[2])
    lines = gzip.decompress(path.read_bytes()).splitlines()
    trades = [at for at, line in enumerate(lines) if b'"e":"trade"' in line]
    at = trades[len(trades) // 2]
    changed = lines[at].replace(b'"q":"', b'"q":"1', 1)
    changed_path = scratch / path.name
    changed_path.write_bytes(gzip.compress(b"\n".join([*lines[:at], changed, *lines[at + 1 :]]), 1))
    planted = replace(whole, sources=(f"BTCUSDT={changed_path}", *whole.sources[1:]))
    outcome = played(planted, FULL)
    print(f"plant: one trade of {len(trades)} with another quantity: "
          f"{len(outcome.wrong)} differences found")  # fmt: skip
    if not outcome.wrong:
        print("WRONG: a changed trade was not noticed")
    return bool(outcome.wrong)


def recordings(folder: Path) -> Iterator[Recording]:
    pair1 = folder / "pair1_BTCUSDT_ws_2024-08-08"
    trades = ("trades_ws_btcusdt_20240808.gz", "trades_ws_btcusdt_20240809.gz")
    midnight = moment("2024-08-09")
    start_ms, end_ms = midnight - 305_000, midnight + 305_000
    tables = {
        "1m": official(pair1 / "derived_official_1m_2024-08-08T23..09T01.csv"),
        "5m": official(pair1 / "derived_official_5m_GeneTrader_MIT.csv"),
    }
    yield Recording(
        "BTCUSDT 2024-08-08 23:55 to 00:05",
        tuple(f"BTCUSDT={pair1 / name}" for name in trades),
        ("BTCUSDT:1m", "BTCUSDT:5m"), start_ms, end_ms,
        covered("BTCUSDT", tables, start_ms, end_ms),
    )  # fmt: skip
    pair3 = folder / "pair3_PEPEUSDT_day_2024-10-27"
    day, minute = moment("2024-10-27"), 60_000
    start_ms, end_ms = day - 10_000, day + 1440 * minute + 5_000
    tables = {
        "30m": official(pair3 / "PEPEUSDT_30m_2023-05-05..2026-03-02.csv.gz"),
        "4h": official(pair3 / "derived_official_4h_2024-10-27.csv"),
        "1d": official(pair3 / "PEPEUSDT_1d_2023-06-09..2026-03-04.csv"),
    }
    yield Recording(
        "PEPEUSDT 2024-10-27, the day",
        (f"PEPEUSDT={pair3 / 'spot-PEPEUSDT-aggTrades-2024-10-27.zip'}",),
        ("PEPEUSDT:30m", "PEPEUSDT:4h", "PEPEUSDT:1d"), start_ms, end_ms,
        covered("PEPEUSDT", tables, start_ms, end_ms),
        ((day + 238 * minute, COMPRESSED), (day + 242 * minute, 1.0),
         (day + 1439 * minute, COMPRESSED)), step_ms=1_000,
    )  # fmt: skip
    tape = folder / "ws_kline_aggtrade/cryptofeed_BINANCE-ee25be.0_2021-04-04_BTC_ETH_DOT.txt.gz"
    yield stream("BTC ETH DOT 2021-04-04, both streams", tape, ["BTCUSDT", "ETHUSDT", "DOTUSDT"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", default="../shared/data")
    parser.add_argument("--only", default="", help="replays whose name holds this")
    parser.add_argument("--jobs", type=int, default=8, help="replays at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

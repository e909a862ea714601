"""Roles, Redis and exchange killed and paused at random: is an official candle ever lost or wrong?

    .venv/bin/python -m bench.nemesis [--seconds 300] [--seeds 1,2,3] [--longest 15]

For each seed it starts Redis (append-only file, everysec), the simulated exchange, web, two
fetchers and two feeds on free ports, with 1s and 1m of three markets. Every three to five seconds
one of them is killed (and started again within two) or paused for up to four; all the while REST
answers fail or come cut, trades are lost, doubled and out of order, closing klines do not come.
Somebody asks for `/data?live=1` ten times a second. Then all is left in peace, and every candle
that closed since the start is compared with what the exchange knows, digit by digit. Exits with 1
if one was lost, doubled, different or invented, if a hole is left, if an answer was wrong, if a
process ended by itself, or if there was no good answer for longer than `--longest` seconds.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from bench.parts.nemesis_run import Nemesis, NemesisSystem, Onlooker
from tests.support.driven_fetcher import member
from tests.support.role_processes import ended
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.store import connect, keys

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FOLLOWED: Final = ("1s", "1m")
#: Left in peace for so long at most, until all that closed is official.
PEACE_S: Final = 60.0
#: After its end a candle is official.
SETTLE_MS: Final = 8_000
#: Lines of the first traceback that are shown.
TRACEBACK_SHOWN: Final = 60


def main() -> int:
    options = _options()
    wrong = 0
    for seed in (int(one) for one in options.seeds.split(",")):
        wrong += run(seed, options.seconds, options.longest)
    print("all as it should be" if not wrong else f"{wrong} runs with something wrong")
    return 1 if wrong else 0


def run(seed: int, seconds: float, longest_s: float) -> bool:
    """One seed; whether anything was wrong."""
    series = [Series(symbol, INTERVALS[name]) for symbol in SYMBOLS for name in FOLLOWED]
    with tempfile.TemporaryDirectory(prefix="nemesis") as folder, ended() as processes:
        symbols, intervals = ",".join(SYMBOLS), ",".join(FOLLOWED)
        system = NemesisSystem(Path(folder), processes, symbols, intervals)
        try:
            system.open()
            onlooker, nemesis = Onlooker(system.url, system.token(), series), Nemesis(system, seed)
            start_ms = _now_ms()
            onlooker.start()
            nemesis.run(seconds)
            system.mend_exchange()
            found = settled(system, series, start_ms, _now_ms())
            onlooker.stopping.set()
            onlooker.join(30)
            system.look_for_ends()
        finally:
            system.close()
    return report(seed, system, nemesis, onlooker, found, longest_s)


def settled(
    system: NemesisSystem, series: list[Series], start_ms: int, end_ms: int
) -> Counter[str]:
    """What is stored of the time against the truth, as soon as nothing is missing any more."""
    until_s = time.monotonic() + PEACE_S
    time.sleep(SETTLE_MS / 1000)
    while True:
        found: Counter[str] = Counter()
        for one in series:
            found.update(compared(system, one, start_ms, end_ms))
        if not found["lost"] + found["holes"] or time.monotonic() > until_s:
            return found
        time.sleep(1)


def compared(system: NemesisSystem, series: Series, start_ms: int, end_ms: int) -> Counter[str]:
    """Members of Redis against the exchange's rows, byte by byte."""
    first_ms, last_ms = series.interval.open_ms(start_ms), series.interval.open_ms(end_ms)
    name = series.interval.name
    truth = {row[0]: member(row) for row in system.truth(series.symbol, name, first_ms, last_ms)}
    with connect(system.redis.url) as redis:
        pairs: Any = redis.zrange(
            keys.klines(series), first_ms, last_ms - 1, byscore=True, withscores=True
        )
    stored = {int(score): text for text, score in pairs}
    opens = sorted(stored)
    return Counter(
        {
            "official candles expected": len(truth),
            "lost": len(truth.keys() - stored.keys()),
            "doubled": len(pairs) - len(stored),
            "invented": len(stored.keys() - truth.keys()),
            "different": sum(stored[ms] != truth[ms] for ms in stored.keys() & truth.keys()),
            "holes": sum(
                after != series.interval.next_open_ms(before) and before in truth
                for before, after in itertools.pairwise(opens)
            ),
        }
    )


def report(
    seed: int,
    system: NemesisSystem,
    nemesis: Nemesis,
    onlooker: Onlooker,
    found: Counter[str],
    longest_s: float,
) -> bool:
    """Prints what was seen; whether anything was wrong."""
    complaints = [line for line in system.printed if "Traceback" in line or " ERROR " in line]
    print(f"seed {seed}: {nemesis.acts.total()} acts: {dict(sorted(nemesis.acts.items()))}")
    for name, count in [*found.items(), *sorted(onlooker.counts.items())]:
        print(f"  {name:40} {count}")
    print(f"  {'longest time without a good answer':40} {onlooker.longest_s:.2f} s")
    print(f"  {'ended by themselves':40} {', '.join(system.ended) or 'none'}")
    print(f"  {'tracebacks and ERROR lines':40} {len(complaints)}")
    for line in [*onlooker.problems, *complaints[:20], *_first_error(system.printed)]:
        print(f"  ! {line}")
    bad = ("lost", "doubled", "invented", "different", "holes")
    is_wrong = any(found[name] for name in bad) or bool(system.ended or complaints)
    is_wrong = is_wrong or bool(onlooker.problems) or onlooker.longest_s > longest_s
    print("  wrong" if is_wrong else "  as it should be", flush=True)
    return is_wrong


def _first_error(printed: list[str]) -> list[str]:
    """The first traceback with what was printed after it."""
    first = next((n for n, line in enumerate(printed) if "Traceback" in line), None)
    return [] if first is None else printed[max(0, first - 2) : first + TRACEBACK_SHOWN]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seeds", default="1", help="comma-separated")
    parser.add_argument("--longest", type=float, default=15.0, help="s without a good answer")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

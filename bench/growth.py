"""How cost grows: with markets, with browsers, with candles; a table and a plot.

    .venv/bin/python -m bench.growth [--of markets,clients,candles] [--candles 1000000] [--write]

Markets: a whole system that follows 1 to 200 of them at six intervals; what its processes take in
the minute of a close, and how late the official candles of a minute are. Clients: 2 to 5,000 raw
WebSockets at one web role, all of them told each event. Candles: 1,000 to a million (or ten) in one
series, read at either end. For each figure the exponent by which it grows over the last tenfold: 1
is linear. `--write` puts the table into
docs/measurements.md and the plot into docs/growth.svg; both go to `var/bench/` always. A quarter of
an hour. Exits with 1 where something grows worse than linearly.

Never here: targets (`all`).
Invariant: each step has its figures printed as soon as it ends.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench import close_to_official, fan_out, long_ranges
from bench.parts import fan_out_servers, growth_plot, machine
from bench.parts.growth_plot import Line, Panel
from bench.parts.paper import put_into
from bench.parts.read_client import Asker
from bench.sealed_storage import used
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.web_process import Web, token_of

MARKETS = (1, 10, 50, 200)
CLIENTS = (2, 100, 500, 1_000, 2_000, 5_000)
CANDLES = 10_000_000
WARM_UP_ROUNDS, ROUNDS, READS = 20, 40, 30
#: So long a role with nothing to tell is watched.
REST_S = 5.0
#: A figure that grows with a larger exponent has to be explained, or mended.
WORST = 1.15
FOLDER = ROOT / "var" / "bench"
PLOT = "growth.svg"


class Step(NamedTuple):
    """The figures at one size, by their names."""

    size: int
    figures: dict[str, float]


def main() -> int:
    given = _options()
    load = machine.load()
    found: dict[str, list[Step]] = {}
    failed = []
    for name in given.of.split(","):
        steps = found[name] = list[Step]()
        try:
            for step in MEASURES[name](given):
                print(f"{name} {step.size:,}: {said(step)}", flush=True)
                steps.append(step)
        except Exception as error:  # what was measured before it is told all the same
            print(f"{name}: failed after {len(steps)} steps: {error!r}", flush=True)
            failed.append(name)
    found = {name: steps for name, steps in found.items() if steps}
    text = f"{machine.when_and_where(load)}\n\n{tables(found)}"
    plot = growth_plot.drawn([panel(name, steps) for name, steps in found.items()])
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / PLOT).write_text(plot, encoding="utf-8")
    print(f"\n{text}", flush=True)
    if given.write:
        put_into("growth", f"{text}\n![How cost grows]({PLOT})\n")
        (ROOT / "docs" / PLOT).write_text(plot, encoding="utf-8")
    worse = [
        f"{name}: {figure}"
        for name, steps in found.items()
        for figure in steps[0].figures
        if exponent(steps, figure) > WORST
    ]
    print(f"worse than linear: {', '.join(worse) or 'nothing'}", flush=True)
    return 1 if worse or failed else 0


def of_markets(_given: argparse.Namespace) -> Iterator[Step]:
    for count in MARKETS:
        late_ms, used = close_to_official.measured(count, minutes=2)
        figures = {"official after it settled, p50 ms": close_to_official.middle(late_ms, 0.5)}
        for role in ("fetcher", "feed", "web", "redis"):
            share, memory_mb = used[role]
            figures |= {f"{role} % of a core": 100 * share, f"{role} MB": memory_mb}
        yield Step(count, figures)


def of_clients(_given: argparse.Namespace) -> Iterator[Step]:
    """The time of a round is that until the last browser has the event. What the role does for its
    browsers anyway (signs of life) is told apart: it takes longer, the longer rounds take.
    """
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as redis:
        for count in CLIENTS:
            with ExitStack() as stack:
                server = stack.enter_context(fan_out_servers.ours(redis, ROOT, "eventlet"))
                listening = stack.enter_context(fan_out_servers.browsers(server.port, count))
                server.wait()
                for _ in range(WARM_UP_ROUNDS):
                    fan_out.one_round(server, listening, 1)
                before_s = server.process.cpu_s
                time.sleep(REST_S)
                at_rest = (server.process.cpu_s - before_s) / REST_S
                began_s, before_s = time.monotonic(), server.process.cpu_s
                rounds_s, delays_s = list[float](), list[float]()
                for _ in range(ROUNDS):
                    took_s, delays, _ = fan_out.one_round(server, listening, 1)
                    rounds_s.append(took_s)
                    delays_s += delays
                took_s = time.monotonic() - began_s
                cpu_s = server.process.cpu_s - before_s - at_rest * took_s
                ordered = sorted(delays_s)
                yield Step(count, {
                    "web CPU ms an event": 1000 * cpu_s / ROUNDS,
                    "web % of a core at rest": 100 * at_rest,
                    "web MB": machine.memory_mb(server.process.popen.pid),
                    "last browser has it, median ms": 1000 * statistics.median(rounds_s),
                    "delay p99 ms": 1000 * ordered[int(0.99 * (len(ordered) - 1))],
                })  # fmt: skip


def of_candles(given: argparse.Namespace) -> Iterator[Step]:
    roles, sizes = Roles(), [10**power for power in range(3, 8) if 10**power <= given.candles]
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        redis = server.client(socket_timeout=120.0)
        empty, stored = used(redis), 0
        try:
            token = token_of(redis)
            web = Web(roles, server.url, Path(folder))
            for size in sizes:
                before_s = machine.cpu_s(server.pid or 0)
                long_ranges.store(redis, size, stored)
                written_s = machine.cpu_s(server.pid or 0) - before_s
                new, stored = size - stored, size
                yield Step(size, {
                    "Redis MB": (used(redis) - empty) / 1e6,
                    "Redis CPU µs a candle written": 1e6 * written_s / new,
                    **read_at_both_ends(web, token, size),
                    "web MB": machine.memory_mb(web.role.pid),
                })  # fmt: skip
        finally:
            roles.end()
            redis.close()


def read_at_both_ends(web: Web, token: str, size: int) -> dict[str, float]:
    """The newest thousand and the oldest, none of them read before, over one connection."""
    path = "/data?symbol=BTCUSDT&interval=1m&limit={}&before={}"
    first_ms, minute_ms = long_ranges.FIRST_MS, 60_000
    headers = [f"Authorization: Bearer {token}", "Accept-Encoding: identity"]
    asker, found = Asker(web.port, 1, "", headers), {}
    for name, newest in (("newest", size), ("oldest", 960)):
        before_s = machine.cpu_s(web.role.pid)
        ends = (first_ms + (newest - number) * minute_ms for number in range(READS))
        took = [asker.took_ms(path.format(900, end_ms)) for end_ms in ends]
        found[f"/data, the {name} 900, p50 ms"] = statistics.median(took)
        used_s = machine.cpu_s(web.role.pid) - before_s
        found[f"the same, CPU ms ({name})"] = 1000 * used_s / READS
    assert set(asker.statuses) == {200}, asker.statuses
    asker.close()
    return found


MEASURES: dict[str, Callable[[argparse.Namespace], Iterator[Step]]] = {
    "markets": of_markets,
    "clients": of_clients,
    "candles": of_candles,
}


def exponent(steps: Sequence[Step], figure: str) -> float:
    """Of size, by which a figure grows over the last tenfold: before it, what is there anyway is
    most of it."""
    last = steps[-1]
    first = next((one for one in reversed(steps) if one.size * 10 <= last.size), steps[0])
    if first is last or min(first.figures[figure], last.figures[figure]) <= 0:
        return 0.0
    grown = math.log(last.figures[figure] / first.figures[figure])
    return grown / math.log(last.size / first.size)


def tables(found: dict[str, list[Step]]) -> str:
    """As Markdown: a table for each of what grows, a line for each figure."""
    parts = []
    for name, steps in found.items():
        lines = [[name, *(f"{step.size:,}" for step in steps), "grows by"]]
        lines.append(["---"] * len(lines[0]))
        for figure in steps[0].figures:
            values = [f"{step.figures[figure]:,.4g}" for step in steps]
            lines.append([figure, *values, f"n^{exponent(steps, figure):.2f}"])
        parts.append("".join(f"| {' | '.join(cells)} |\n" for cells in lines))
    return "\n".join(parts)


def panel(name: str, steps: Sequence[Step]) -> Panel:
    """Each figure as a multiple of what it was at the first step."""
    lines = []
    for figure in steps[0].figures:
        first = steps[0].figures[figure]
        if first > 0:
            values = [max(step.figures[figure], 1e-9) / first for step in steps]
            lines.append(Line(figure, values))
    return Panel(name, [step.size for step in steps], lines)


def said(step: Step) -> str:
    return ", ".join(f"{name} {value:,.4g}" for name, value in step.figures.items())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--of", default=",".join(MEASURES))
    parser.add_argument("--candles", type=int, default=CANDLES, help="at most, 1000 to 10000000")
    parser.add_argument("--write", action="store_true", help="into docs/")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""One event to one room: how many deliveries a second, and how late, beside Node's Socket.IO.

    .venv/bin/python -m bench.fan_out                        # 500 and 1,000 browsers
    .venv/bin/python -m bench.fan_out --modes eventlet,gevent,threading --clients 500

A server on one core; Redis, the browsers (raw WebSockets in several processes) and this program on
the other. Node's `socket.io` 4 of the same run is the yardstick, and an earlier commit of this
project (`--base`) the measure of progress. Two manners:

- By rounds: the next event is told when the last browser has the one before; then ten at once.
- At a fixed rate: single events, evenly, whether the last one has arrived or not; one rate after
  the other, until 99 of 100 deliveries do not arrive within 100 ms any more.

Every delivery is counted; a delay is the time from telling the publisher to a browser's reading the
last byte. Ours go through Redis on the way, Socket.IO's do not. Servers take turns, so that a noisy
machine is noisy for all.

Each server's figures are printed as soon as it has had its turn. Ends with 1 where the first mode
has less than 1.3 times the deliveries of Node's in either manner, or a p99 above Node's. Says so
where the browsers themselves were busy: then no server was measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.parts.fan_out_servers import (
    OTHER_CORE,
    Listening,
    Server,
    browsers,
    checked_out,
    node,
    ours,
)
from bench.parts.offered_rate import Offered, climb
from bench.parts.socket_io import socket_io
from bench.parts.targets import Figures, Found, Target, judge
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc

PEER = "Node's Socket.IO"
#: The last commit whose events each went through a queue and a thread of their browser.
BASE = "56fae69"
#: Events told at once, one after the other round.
BURSTS = (1, 10)
#: Deliveries a second that are offered, and for how long: of half a second a p99 would be the
#: delay of a single event.
RATES = (50_000, 100_000, 150_000, 200_000, 300_000, 400_000)
SHORT_RATES = (100_000, 150_000, 200_000, 400_000)
OFFERED_S, OFFERED_SHORT_S = 3.0, 1.0
RATIO_MIN = 1.3
TARGETS = {
    f"{count}{which}": target
    for count in (500, 1_000)
    for which, target in (
        (
            " offered",
            Target(
                f"events at a fixed rate to {count:,} browsers, kept up with", "/s", RATIO_MIN, PEER
            ),
        ),
        (
            " offered p99",
            Target(
                "the same at Node's rates, p99 at the worst for us", "ms", 1, PEER, at_most=True
            ),
        ),
        (
            "",
            Target(f"one event to {count:,} browsers by rounds, deliveries", "/s", RATIO_MIN, PEER),
        ),
        (
            " p99",
            Target(f"one event to {count:,} browsers by rounds, p99", "ms", 1, PEER, at_most=True),
        ),
    )
}
#: Of the browsers' core: above that they may be what is slow.
BUSY = 0.85
#: Events before anything counts: Node compiles while it runs, and is up to a third slower before.
WARM_UP = 300


@dataclass
class Rounds:
    """What one server has done by rounds: seconds of each round, and of each delivery."""

    rounds_s: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    odd: int = 0
    cpu_s: float = 0.0

    @property
    def per_s(self) -> float:
        return len(self.delays_s) / sum(self.rounds_s)

    def delay_ms(self, share: float) -> float:
        ordered = sorted(self.delays_s)
        return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def cpu_us(self) -> float:
        """CPU time of the server, µs a delivery."""
        return 1e6 * self.cpu_s / len(self.delays_s)


@dataclass
class Measured:
    """What one server has done: by rounds of so many events at once; and at fixed rates, turn by
    turn."""

    rounds: dict[int, Rounds] = field(default_factory=dict)
    offered: list[list[Offered]] = field(default_factory=list)

    @property
    def kept_up(self) -> list[float]:
        """The highest rate that was kept up with, turn by turn; where there was none, what was
        delivered at the lowest."""
        return [
            max([one.rate for one in turn if one.is_kept_up], default=turn[0].made)
            for turn in self.offered
        ]


def measure(server: Server, count: int, much: Much, found: Measured) -> None:
    """Adds to what is known of this server."""
    with browsers(server.port, count) as listening:
        server.wait()
        for burst in BURSTS:
            for _ in range(WARM_UP // burst):
                one_round(server, listening, burst)
            of_burst = found.rounds.setdefault(burst, Rounds())
            began_s, used_s = time.monotonic(), sum(one.process.cpu_s for one in listening)
            server_s = server.process.cpu_s
            for _ in range(much.rounds // burst or 1):
                took_s, delays_s, odd = one_round(server, listening, burst)
                of_burst.rounds_s.append(took_s)
                of_burst.delays_s += delays_s
                of_burst.odd += odd
            of_burst.cpu_s += server.process.cpu_s - server_s
            used_s = sum(one.process.cpu_s for one in listening) - used_s
            of_burst.busy.append(used_s / (time.monotonic() - began_s))
        found.offered.append(climb(server, listening, much.rates, much.offered_s))


def one_round(
    server: Server, listening: Sequence[Listening], burst: int
) -> tuple[float, list[float], int]:
    """Seconds until all have all, and of each delivery; and how many came in another order."""
    for one in listening:
        one.process.tell(burst)
    began_s = time.monotonic()
    server.publisher.tell(burst)
    heard = [one.heard(burst) for one in listening]
    delays_s = [at_s - began_s for times, _ in heard for at_s in times]
    return max(delays_s), delays_s, sum(odd for _, odd in heard)


@dataclass(frozen=True)
class Much:
    """How much is measured in each turn."""

    rounds: int
    turns: int
    rates: Sequence[int]
    offered_s: float


#: By server and number of browsers.
Results = dict[tuple[str, int], Measured]


def main() -> int:
    options = _options()
    modes, counts = options.modes.split(","), [int(one) for one in options.clients.split(",")]
    much = Much(options.rounds, options.turns, RATES, OFFERED_S)
    found = compared(counts, modes, options.base, much)
    report(found)
    judged = figures(found, modes[0])
    return judge({name: target for name, target in TARGETS.items() if name in judged}, judged)


def short() -> Figures:
    """For `make bench`: two minutes."""
    much = Much(300, 3, SHORT_RATES, OFFERED_SHORT_S)
    found = compared([500, 1_000], ["eventlet"], "", much)
    report(found)
    return figures(found, "eventlet")


def compared(counts: Sequence[int], modes: Sequence[str], base: str, much: Much) -> Results:
    """All servers, in turn."""
    os.sched_setaffinity(0, {OTHER_CORE})
    found: Results = {}
    with tempfile.TemporaryDirectory(prefix="truecandle-fan-out-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        program, peer = socket_io()
        earlier = stack.enter_context(checked_out(base, folder / "base"))
        (folder / "redis").mkdir()
        redis = stack.enter_context(RedisProc(folder / "redis"))
        trees = [(mode, ROOT) for mode in modes]
        trees += [(f"{mode} before", earlier) for mode in modes[:1] if earlier]
        for turn in range(1, much.turns + 1):
            for count in counts:
                with node(program, peer) as server:
                    note(found, "socket.io", count, server, much, turn)
                for name, tree in trees:
                    with ours(redis, tree, name.split()[0]) as server:
                        note(found, name, count, server, much, turn)
    return found


def note(
    found: Results, name: str, count: int, server: Server, much: Much, turn: int
) -> None:  # fmt: skip
    """Measures one server, and says what is known of it so far."""
    measured = found.setdefault((name, count), Measured())
    measure(server, count, much, measured)
    said = "; ".join(
        f"{burst} at once {one.per_s:,.0f}/s, p99 {one.delay_ms(0.99):.1f} ms"
        for burst, one in measured.rounds.items()
    )
    top = f"up to {measured.kept_up[-1]:,.0f}/s kept up with"
    print(f"turn {turn}: {count:,} browsers, {name}: {said}; {top}", flush=True)


def figures(found: Results, mode: str) -> Figures:
    """Of single events, beside Node's Socket.IO."""
    figures: dict[str, Found] = {}
    for (name, count), mine in found.items():
        if name != mode:
            continue
        peer = found["socket.io", count]
        one, other = mine.rounds[1], peer.rounds[1]
        late_ms, peer_ms = one.delay_ms(0.99), other.delay_ms(0.99)
        figures[f"{count}"] = Found(one.per_s, other.per_s, one.per_s / other.per_s)
        figures[f"{count} p99"] = Found(late_ms, peer_ms, late_ms / peer_ms)
        figures[f"{count} offered"] = Found.beside(mine.kept_up, peer.kept_up)
        figures[f"{count} offered p99"] = worst_p99(mine, peer)
    return figures


def worst_p99(mine: Measured, peer: Measured) -> Found:
    """Of the rates that the peer has kept up with in any turn (the lowest, if none), that at which
    ours is largest beside it. Where we stopped before, ours is that of the rate we stopped at."""
    pairs: dict[int, list[tuple[float, float]]] = {}
    for ours_, theirs in zip(mine.offered, peer.offered, strict=True):
        for at, other in enumerate(theirs):
            if other.is_kept_up or not at:
                one = ours_[min(at, len(ours_) - 1)]
                pairs.setdefault(other.wanted, []).append(
                    (one.delay_ms(0.99), other.delay_ms(0.99))
                )
    found = [
        Found.beside([one for one, _ in both], [other for _, other in both])
        for both in pairs.values()
    ]
    return max(found, key=lambda one: one.ratio or 0.0)


def report(found: Results) -> None:
    """Everything, as two tables."""
    ordered = sorted(found.items(), key=lambda one: one[0][1])
    by_rounds, at_rates = [], []
    for (name, count), mine in ordered:
        for burst, one in mine.rounds.items():
            ratio = one.per_s / found["socket.io", count].rounds[burst].per_s
            delays = (f"{one.delay_ms(0.5):.1f}", f"{one.delay_ms(0.99):.1f}")
            first = (f"{count:,}", str(burst), name, f"{one.per_s:,.0f}", f"{ratio:.2f}")
            by_rounds.append((*first, *delays, *cost(one.cpu_us, max(one.busy), one.odd)))
        for rate in RATES:
            if some := [one for turn in mine.offered for one in turn if one.wanted == rate]:
                at_rates.append((f"{count:,}", f"{rate:,}", name, *offered_cells(some)))
    head = ("browsers", "at once", "server", "deliveries/s", "x Node", "p50 ms", "p99 ms")
    print_table(head, by_rounds)
    head = ("browsers", "offered/s", "server", "kept up", "made/s", "p50 ms", "p99 ms")
    print_table(head, at_rates)


def offered_cells(some: Sequence[Offered]) -> tuple[str, ...]:
    """Of one rate, the medians of its turns; `made` are the deliveries while events were told."""
    made, cpu_us, half_ms, late_ms = (
        statistics.median(values)
        for values in zip(
            *((one.made, one.cpu_us, one.delay_ms(0.5), one.delay_ms(0.99)) for one in some),
            strict=True,
        )
    )
    kept = f"{sum(one.is_kept_up for one in some)} of {len(some)}"
    busy, odd = max(one.busy for one in some), sum(one.odd for one in some)
    return kept, f"{made:,.0f}", f"{half_ms:.1f}", f"{late_ms:.1f}", *cost(cpu_us, busy, odd)


def cost(cpu_us: float, busy: float, odd: int) -> tuple[str, str, str]:
    """The last cells of a line."""
    slow = " (the browsers may be what is slow)" if busy > BUSY else ""
    return f"{cpu_us:.1f}", f"{busy:.0%}{slow}", "yes" if not odd else f"no: {odd:,} were not"


def print_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    heads = (*head, "CPU µs each", "browsers' core", "in order")
    print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for cells in lines:
        print(f"| {' | '.join(cells)} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clients", default="500,1000")
    parser.add_argument("--modes", default="eventlet", help="the first one has to hit the target")
    parser.add_argument("--rounds", type=int, default=300, help="of each server, in each turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--base", default=BASE, help="an earlier commit; empty: none")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""One event to one room: how many deliveries a second, and how late, beside Node's Socket.IO.

    .venv/bin/python -m bench.fan_out                        # 500 and 1,000 browsers
    .venv/bin/python -m bench.fan_out --modes eventlet,gevent,threading --clients 500

A server on one core; Redis, the browsers (raw WebSockets in several processes) and this program on
the other. Node's `socket.io` 4 of the same run is the yardstick, and an earlier commit of this
project (`--base`) the measure of progress. Round by round: the next event is told when the last
browser has the one before; then ten at once. Every delivery is counted; a delay is the time from
telling the publisher to a browser's reading the last byte. Ours go through Redis on the way,
Socket.IO's do not. Servers take turns, so that a noisy machine is noisy for all.

Each server's figures are printed as soon as it has had its turn. Ends with 1 where the first mode
has less than 1.3 times the deliveries of Node's, or a p99 above Node's. Says so where the browsers
themselves were busy: then no server was measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bench.parts import machine
from bench.parts.socket_io import socket_io
from bench.parts.targets import Figures, Found, Target, judge
from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from tests.support.web_process import wait_for_listener

SERVER_CORE, OTHER_CORE = 0, 1
SYMBOL = "BTCUSDT"
PEER = "Node's Socket.IO"
#: The last commit whose events each went through a queue and a thread of their browser.
BASE = "56fae69"
#: Events told at once, one after the other round.
BURSTS = (1, 10)
RATIO_MIN = 1.3
TARGETS = {
    f"{count}{which}": target
    for count in (500, 1_000)
    for which, target in (
        ("", Target(f"one event to {count:,} browsers, deliveries", "/s", RATIO_MIN, PEER)),
        (" p99", Target(f"one event to {count:,} browsers, p99", "ms", 1, PEER, at_most=True)),
    )
}
#: Of the browsers' core: above that they may be what is slow.
BUSY = 0.85
WARM_UP_ROUNDS = 20


@dataclass
class Measured:
    """What one server has done: seconds of each round, and of each delivery."""

    rounds_s: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
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


class Process:
    """A program on one core, with pipes both ways."""

    def __init__(self, command: Sequence[str], core: int, cwd: Path = ROOT, **env: str) -> None:
        self.popen = subprocess.Popen(
            ["taskset", "-c", str(core), *command], cwd=cwd, env=os.environ | env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    @property
    def stdin(self) -> IO[bytes]:
        assert self.popen.stdin
        return self.popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self.popen.stdout
        return self.popen.stdout

    def tell(self, count: int) -> None:
        self.stdin.write(b"%d\n" % count)
        self.stdin.flush()

    @property
    def cpu_s(self) -> float:
        return machine.cpu_s(self.popen.pid)

    def end(self) -> None:
        self.popen.terminate()
        self.popen.communicate(timeout=30)


@dataclass(frozen=True)
class Server:
    """A server under test: its process, its port, and who is told to publish."""

    process: Process
    port: int
    publisher: Process
    #: Returns once it hears what is published, which may be no sooner than browsers are there.
    wait: Callable[[], None] = lambda: None


@contextmanager
def ended(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        process.end()


@contextmanager
def ours(redis: RedisProc, tree: Path, mode: str) -> Iterator[Server]:
    """The web role of the code in `tree`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        env = {
            "REDIS_URL": redis.url, "PORT": str(port), "SYMBOLS": SYMBOL, "INTERVALS": "1m",
            "VAR_DIR": folder, "PUBLIC_READS": "1", "SIMULATED": "0", "ASYNC_MODE": mode,
            "PYTHONPATH": str(tree), "PYTHONUNBUFFERED": "1", "SECRET_KEY": "",
        }  # fmt: skip
        web = stack.enter_context(
            ended(Process([sys.executable, "app.py"], SERVER_CORE, tree, **env))
        )
        while b"web: listening on" not in (line := web.stdout.readline()):
            assert line, "the web role has ended"
        program = str(ROOT / "bench" / "parts" / "fan_out_publisher.py")
        command = [sys.executable, program, redis.url, SYMBOL]
        publisher = stack.enter_context(ended(Process(command, OTHER_CORE, tree, **env)))
        with redis.client() as client:
            yield Server(web, port, publisher, lambda: wait_for_listener(client))


@contextmanager
def node(program: Path, folder: Path) -> Iterator[Server]:
    """Node's Socket.IO."""
    peer = str(ROOT / "bench" / "parts" / "fan_out_peer.mjs")
    with ended(Process([str(program), peer, str(folder), SYMBOL], SERVER_CORE)) as process:
        yield Server(process, int(process.stdout.readline()), process)


@contextmanager
def browsers(port: int, count: int) -> Iterator[list[Process]]:
    """So many, in two processes, all of them listening."""
    with ExitStack() as stack:
        command = [sys.executable, "-m", "bench.parts.fan_out_clients", str(port)]
        found = [
            stack.enter_context(
                ended(Process([*command, str(count // 2), str(first), SYMBOL], OTHER_CORE))
            )
            for first in (2, 130)
        ]
        for one in found:
            if one.stdout.readline() != b"ready\n":
                raise ConnectionError("not all browsers came in: is the machine busy otherwise?")
        yield found


def measure(server: Server, count: int, rounds: int, found: dict[int, Measured]) -> None:
    """Adds to what is known of this server, by how many events were told at once."""
    with browsers(server.port, count) as listening:
        server.wait()
        for burst in BURSTS:
            for _ in range(WARM_UP_ROUNDS):
                one_round(server, listening, count, burst)
            measured = found.setdefault(burst, Measured())
            began_s, used_s = time.monotonic(), sum(one.cpu_s for one in listening)
            server_s = server.process.cpu_s
            for _ in range(rounds // burst or 1):
                took_s, delays_s = one_round(server, listening, count, burst)
                measured.rounds_s.append(took_s)
                measured.delays_s += delays_s
            measured.cpu_s += server.process.cpu_s - server_s
            used_s = sum(one.cpu_s for one in listening) - used_s
            measured.busy.append(used_s / (time.monotonic() - began_s))


def one_round(
    server: Server, listening: Sequence[Process], count: int, burst: int
) -> tuple[float, list[float]]:
    """Seconds until all have all, and of each delivery."""
    for one in listening:
        one.tell(burst)
    began_s = time.monotonic()
    server.publisher.tell(burst)
    times = array("d")
    for one in listening:
        times.frombytes(one.stdout.read(8 * burst * (count // 2)))
    return max(times) - began_s, [at_s - began_s for at_s in times]


#: By server and number of browsers, by how many events were told at once.
Results = dict[tuple[str, int], dict[int, Measured]]


def main() -> int:
    options = _options()
    modes, counts = options.modes.split(","), [int(one) for one in options.clients.split(",")]
    found = compared(counts, modes, options.base, options.rounds, options.turns)
    report(found)
    judged = figures(found, modes[0])
    return judge({name: target for name, target in TARGETS.items() if name in judged}, judged)


def short() -> Figures:
    """For `make bench`: a minute."""
    return figures(compared([500, 1_000], ["eventlet"], "", rounds=100, turns=2), "eventlet")


def compared(
    counts: Sequence[int], modes: Sequence[str], base: str, rounds: int, turns: int
) -> Results:
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
        for turn in range(1, turns + 1):
            for count in counts:
                with node(program, peer) as server:
                    note(found, "socket.io", count, server, rounds, turn)
                for name, tree in trees:
                    with ours(redis, tree, name.split()[0]) as server:
                        note(found, name, count, server, rounds, turn)
    return found


def note(
    found: Results, name: str, count: int, server: Server, rounds: int, turn: int
) -> None:  # fmt: skip
    """Measures one server, and says what is known of it so far."""
    bursts = found.setdefault((name, count), {})
    measure(server, count, rounds, bursts)
    said = "; ".join(
        f"{burst} at once {one.per_s:,.0f}/s, p99 {one.delay_ms(0.99):.1f} ms"
        for burst, one in bursts.items()
    )
    print(f"turn {turn}: {count:,} browsers, {name}: {said}", flush=True)


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path | None]:
    """The code of an earlier commit, if it is known here, with the browser's files of this one."""
    command = ["git", "worktree", "add", "--detach", "--quiet", str(folder), commit]
    if not commit or subprocess.run(command, cwd=ROOT, check=False).returncode:
        print(f"no commit {commit!r} to compare with" if commit else "no earlier commit asked for")
        yield None
        return
    try:
        (folder / "static" / "dist").symlink_to(ROOT / "static" / "dist")
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True)


def figures(found: Results, mode: str) -> Figures:
    """Of single events, beside Node's Socket.IO."""
    figures: dict[str, Found] = {}
    for (name, count), bursts in found.items():
        if name != mode:
            continue
        one, peer = bursts[1], found["socket.io", count][1]
        late_ms, peer_ms = one.delay_ms(0.99), peer.delay_ms(0.99)
        figures[f"{count}"] = Found(one.per_s, peer.per_s, one.per_s / peer.per_s)
        figures[f"{count} p99"] = Found(late_ms, peer_ms, late_ms / peer_ms)
    return figures


def report(found: Results) -> None:
    """Everything, as a table."""
    head = ("browsers", "at once", "server", "deliveries/s", "x Node", "p50 ms", "p99 ms")
    print("| " + " | ".join((*head, "CPU µs each", "browsers' core")) + " |")
    print("|---" * (len(head) + 2) + "|")
    for (name, count), bursts in sorted(found.items(), key=lambda one: one[0][1]):
        for burst, one in bursts.items():
            ratio, busy = one.per_s / found["socket.io", count][burst].per_s, max(one.busy)
            cells = (
                f"{count:,}", str(burst), name, f"{one.per_s:,.0f}", f"{ratio:.2f}",
                f"{one.delay_ms(0.5):.1f}", f"{one.delay_ms(0.99):.1f}", f"{one.cpu_us:.1f}",
                f"{busy:.0%}" + (" (the browsers may be what is slow)" if busy > BUSY else ""),
            )  # fmt: skip
            print("| " + " | ".join(cells) + " |")


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

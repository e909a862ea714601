"""Two fetchers at one Redis: the leader is frozen and resumed, and killed, many times over.

    .venv/bin/python -m bench.fetcher_takeover                # 20 and 20 times, 4 minutes
    .venv/bin/python -m bench.fetcher_takeover --rounds 8 --lease-only  # what the number does

Both follow a market of 1s candles on real clocks. The leader is frozen while the exchange makes its
answer; the other takes over; a candle that this answer holds is corrected, and the correction read;
then the leader resumes with the old answer in hand. A witness (Redis' MONITOR) sees every call of
the write script, the number it came with, and whether it wrote. With `--lease-only` the fetchers
write with whatever number is in force, as if there were none. Exits with 1 if anything was stale
or the store is not the truth.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median

from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.two_fetchers import COMMAND, CORRECTED_AGE_MS, SERIES, Pair, Witness
from tests.support.waiting import wait_for
from truecandle.fetcher.leadership import TTL_MS
from truecandle.store import official

#: How long an answer in hand may take to arrive at the write script after the leader resumed.
IN_HAND_S = 3.0
#: A fetcher without the protection of its number: it takes whichever is in force as it writes.
LEASE_ONLY = """
from truecandle.ingest.official_writer import OfficialWriter
upsert = OfficialWriter._upsert_fenced
OfficialWriter._upsert_fenced = lambda self, series, rows, fence, by: upsert(
    self, series, rows, self._in_force(), by
)
import background_fetcher
background_fetcher.main()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--lease-only", action="store_true")
    options = parser.parse_args()
    command = ("-c", LEASE_ONLY) if options.lease_only else COMMAND
    processes = Roles()
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder), aof=True) as server:
        watched = server.client(socket_timeout=None)
        with server.client() as redis, Pair(processes, redis, server.url) as pair:
            try:
                with watched, Witness(watched) as witness:
                    return Run(pair, redis, witness, command).go(options.rounds)
            finally:
                processes.end()


class Run:
    def __init__(
        self, pair: Pair, redis: Redis, witness: Witness, command: tuple[str, ...]
    ) -> None:
        self._pair, self._redis, self._witness = pair, redis, witness
        self._command = command
        self._corrected: list[int] = []
        self._in_hand = 0
        self._takeovers: dict[str, list[float]] = {"frozen": [], "killed": [], "told to stop": []}
        self._firsts: dict[str, list[float]] = {"frozen": [], "killed": [], "told to stop": []}

    def go(self, rounds: int) -> int:
        began_s = time.monotonic()
        for number in (0, 1):
            self._pair.start(number, self._command)
        self._pair.wait_for_leader()
        self._pair.follow()
        for _ in range(rounds):
            self._freeze()
        for _ in range(rounds):
            self._lose("killed", signal.SIGKILL)
        self._lose("told to stop", signal.SIGTERM)
        self._pair.follow()
        return self._report(time.monotonic() - began_s)

    def _freeze(self) -> None:
        leader = self._pair.wait_for_leader()
        asked_ms = self._pair.freeze_with_an_answer(leader)
        self._wait_for_the_other("frozen", leader, time.time())
        open_ms = SERIES.interval.open_ms(asked_ms - CORRECTED_AGE_MS)
        self._pair.correct(open_ms)
        self._corrected.append(open_ms)
        self._pair.follow()
        calls, stale = len(self._witness.calls), len(self._witness.stale)
        leader.send(signal.SIGCONT)
        until_s = time.monotonic() + IN_HAND_S
        while len(self._witness.stale) == stale and time.monotonic() < until_s:
            if self._command is not COMMAND and len(self._witness.calls) > calls + 3:
                break
            time.sleep(0.01)
        self._in_hand += len(self._witness.stale) > stale
        self._pair.follow()

    def _lose(self, how: str, number: signal.Signals) -> None:
        leader = self._pair.wait_for_leader()
        gone_s = time.time()
        leader.end(number)
        self._wait_for_the_other(how, leader, gone_s)
        exchange = self._pair.forget(leader)
        self._pair.start(exchange, self._command).wait_for_line("stands by")

    def _wait_for_the_other(self, how: str, leader: Role, gone_s: float) -> None:
        before = max(self._witness.changes)
        self._pair.wait_for_leader(but=leader)
        fence = wait_for(lambda: max(n for n in self._witness.changes if n >= before), what="it")
        wait_for(lambda: self._witness.first_write_s(fence), what="its first candle")
        self._takeovers[how].append(self._witness.changes[fence] - gone_s)
        self._firsts[how].append(self._witness.first_write_s(fence) - gone_s)

    def _report(self, took_s: float) -> int:
        writes = [call.at_s for call in self._witness.calls if call.has_written]
        pauses = sorted(two - one for one, two in pairwise(writes))
        stale = self._witness.stale
        times = Counter(entry.time for entry in official.corrections(self._redis, SERIES, 1_000))
        undone = (sum(times.values()) - len(times) + 1) // 2  # and each was corrected once more
        meta, wrong = official.meta(self._redis, SERIES), len(self._pair.differences())
        assert meta.earliest is not None and meta.latest is not None
        holes = SERIES.interval.count(meta.earliest, meta.latest) + 1 - meta.count
        for how, taken in self._takeovers.items():
            first = self._firsts[how]
            print(f"{how}, times                                {len(taken)}")
            print(
                f"  new leader after, s (median, longest)     {median(taken):.2f} {max(taken):.2f}"
            )
            print(
                f"  its first candle after, s                 {median(first):.2f} {max(first):.2f}"
            )
        print(f"lease, s                                      {TTL_MS / 1_000:.1f}")
        print(f"changes of hands                              {len(self._witness.changes)}")
        print(f"writes                                        {len(writes)}")
        print(f"resumed with an old answer, and tried         {self._in_hand}")
        print(f"writes with an old number, tried              {len(stale)}")
        print(f"stale writes                                  {sum(c.has_written for c in stale)}")
        print(f"corrections undone by an old answer           {undone}")
        print(f"corrections, scripted and in the ledger       {len(self._corrected)} {len(times)}")
        print(f"longest pause between two writes, s           {pauses[-1]:.2f}")
        print(f"candles stored, holes, not the truth          {meta.count} {holes} {wrong}")
        print(f"took, s                                       {took_s:.0f}")
        is_good = not (wrong or holes or undone or any(call.has_written for call in stale))
        return 0 if is_good and sorted(times) == sorted(self._corrected) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Does anything that can be said to the web role make it fail?

    python -m bench.web_fuzz [--minutes 3] [--modes eventlet,gevent,threading]

For each mode the web role is started on an empty Redis, and what the grammars of
`tests/support/web_grammar.py` make is sent for its share of the time: HTTP requests and sequences
of Engine.IO and Socket.IO packets in turn, most of them sound, the rest damaged on the way. Prints
what was sent, how much of it passed the first door, the answers by status, the process's memory
before and after, and what the log grew by beside the access log. Exits with 1 at the first error of
ours: an answer 5xx, one that is no HTTP, a traceback or an error in the log, a token in the log.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.parts.machine import memory_mb
from bench.parts.others_answers import log_bytes
from tests.support import web_grammar
from tests.support.redis_server import RedisProc
from tests.support.role_processes import ended
from tests.support.web_fuzz import Fuzz
from tests.support.web_process import Web

#: Examples in one go; hypothesis varies from go to go.
EXAMPLES = 250
GO = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


def go_on(fuzz: Fuzz, until_s: float) -> None:
    """Requests and packets in turn until the time is over; raises at the first error."""

    @GO
    @given(web_grammar.requests())
    def requests(sent: web_grammar.Sent) -> None:
        fuzz.request(sent)

    @GO
    @given(web_grammar.packets, st.integers(0, 3).map(bool))
    def packets(texts: list[str], is_member: bool) -> None:
        fuzz.sequence(texts, is_member)

    while time.monotonic() < until_s:
        requests()
        packets()
        fuzz.assert_well()


def run(mode: str, minutes: float) -> bool:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        server = opened.enter_context(RedisProc(folder))
        redis, processes = opened.enter_context(server.client()), opened.enter_context(ended())
        web = Web(processes, server.url, folder / "var", ASYNC_MODE=mode)
        fuzz, before = Fuzz.on(web, redis), memory_mb(web.role.pid)
        logged, failed = log_bytes(web), False
        try:
            go_on(fuzz, time.monotonic() + 60 * minutes)
        except AssertionError as error:
            print(f"{mode}: {error}", flush=True)
            failed = True
        sent, packets = fuzz.statuses.total(), fuzz.packets.total()
        after, grown = memory_mb(web.role.pid), log_bytes(web) - logged
        print(
            f"{mode}: {sent} requests, {100 * fuzz.passed / max(sent, 1):.0f} % passed; "
            f"{packets} packets, {100 * fuzz.packets[True] / max(packets, 1):.0f} % sound; "
            f"RSS {before:.0f} → {after:.0f} MB, log +{grown} B; "
            f"{', '.join(f'{count} × {status}' for status, count in fuzz.statuses.most_common())}",
            flush=True,
        )
    return not failed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--modes", default="eventlet,gevent,threading")
    given_ = parser.parse_args()
    modes = given_.modes.split(",")
    return 0 if all([run(mode, given_.minutes / len(modes)) for mode in modes]) else 1


if __name__ == "__main__":
    sys.exit(main())

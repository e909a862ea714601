"""What is asked of the server and when it is asked again, without asking: both clients are driven
by the steps that come from here.

Never here: sockets, threads, clocks; what comes over Socket.IO (`watching`).
Invariant: a question is sent `ATTEMPTS` times at most, with pauses no longer than `PAUSE_MAX_S`.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from truecandle_client.errors import Unreachable
from truecandle_client.pages import Page, Query, Question, Reply, page_of, retry_after_s

S = TypeVar("S")
T = TypeVar("T")

#: How often one question is sent while no good answer comes.
ATTEMPTS: Final = 4
#: The first pause, doubled up to the longest; what the server asks for counts, up to that too.
PAUSE_S: Final = 0.5
PAUSE_MAX_S: Final = 30.0
#: Refusals that pass by themselves.
PASSING: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so long."""

    seconds: float


#: Steps to take, each answered with what came of it (`Unreachable` is thrown in), until a result.
Reading = Generator[Question | Pause, Any, T]


def advance(steps: Generator[S, Any, T], outcome: Any) -> S:
    """The next step, after what came of the one before; ends as the steps do, by `StopIteration`
    with their result."""
    return steps.throw(outcome) if isinstance(outcome, Exception) else steps.send(outcome)


@dataclass(slots=True)
class Backoff:
    """Pauses that double with every failure in a row, each a random part of that and at least half
    of it, so that not all come back at once.
    """

    initial_s: float = PAUSE_S
    longest_s: float = PAUSE_MAX_S
    failures: int = field(default=0, init=False)

    def fail(self) -> float:
        """One failure more; how long to pause, in s."""
        ceiling_s = min(self.longest_s, self.initial_s * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return ceiling_s * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self.failures = 0


def reply_to(question: Question) -> Reading[Reply]:
    """The reply, asked for again while what stands against it may pass."""
    backoff = Backoff()
    while True:
        is_last = backoff.failures == ATTEMPTS - 1
        wished_s: float | None = None
        try:
            reply: Reply = yield question
        except Unreachable:
            if is_last:
                raise
        else:
            if reply.status not in PASSING or is_last:
                return reply
            wished_s = retry_after_s(reply)
        pause_s = backoff.fail()
        yield Pause(pause_s if wished_s is None else min(wished_s, PAUSE_MAX_S))


def read_page(query: Query) -> Reading[Page]:
    """The page of a query."""
    reply = yield from reply_to(query.question())
    return page_of(query, reply)


def read_again(page: Page) -> Reading[Page | None]:
    """The same page as it is now; None where it has not changed."""
    reply = yield from reply_to(page.query.question(page.etag))
    return None if reply.status == 304 else page_of(page.query, reply)

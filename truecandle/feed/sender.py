"""The thread that talks to Redis for the one that builds candles, which never waits for an answer.

Never here: what is sent, and what becomes of an answer.
Invariant: one thing after the other, in the order given; what went wrong on the way is raised where
its end is looked at, and so never goes unnoticed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Sender:
    """`send` and the rest are for one thread, that which builds."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sending")
        #: What is under way or waits for it, oldest first.
        self._sent: deque[Future[Any]] = deque()

    def send(self, work: Callable[..., T], *args: object) -> Future[T]:
        """Has it done behind all that was given before; its result, later."""
        future = self._worker.submit(work, *args)
        self._sent.append(future)
        return future

    def is_idle(self) -> bool:
        """Whether all is done. Raises what something has raised that nobody expected."""
        while self._sent and self._sent[0].done():
            self._sent.popleft().result()
        return not self._sent

    def call_when_idle(self, woken: Callable[[], None]) -> None:
        """Once, in whichever thread, when all that was given so far is done."""
        if self._sent:
            self._sent[-1].add_done_callback(lambda _: woken())

    def finish(self) -> None:
        """Waits until all is done."""
        while self._sent:
            self._sent.popleft().result()

    def close(self) -> None:
        """After this nothing can be sent."""
        self.finish()
        self._worker.shutdown()

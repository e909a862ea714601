"""A batch: what several readers ask of Redis in one round trip, each answer read by who asked.

Never here: which commands a reader asks with, what their results mean (each reader says both).
Invariant: a reader is given the results of its own commands, whoever else asks in the batch; all
values are of the same round trip.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from redis import Redis
from redis.client import Pipeline

from truecandle.errors import StoreUnavailable
from truecandle.store import map_redis_errors

#: Round trips of one batch. Three are enough, unless what is read changes all the time.
ROUNDS_MAX: Final = 10

T = TypeVar("T")


class AskAgain(Exception):
    """Raised by a reader whose answer shows that it has to ask with other commands: those that
    `ask` adds. The whole batch is then read once more."""

    def __init__(self, ask: Callable[[Pipeline], object]) -> None:
        super().__init__()
        self.ask = ask


class Queued(Generic[T]):
    """What one reader has asked for. `value` is the answer, there once the batch has run."""

    __slots__ = ("commands", "decode", "end", "start", "value")

    def __init__(self, decode: Callable[..., T], start: int, end: int) -> None:
        self.decode = decode
        #: Its results among those of the batch.
        self.start, self.end = start, end
        #: What it asked with, to ask once more.
        self.commands: list[Any] = []
        self.value: T


class Batch:
    """Reads that leave together; with `is_one_instant` as a transaction, so that none of the
    answers is older than another.

    A reader adds its commands to `pipe`, and right after them calls `queued`.
    """

    def __init__(self, redis: Redis, *, is_one_instant: bool = True) -> None:
        self.pipe: Pipeline = redis.pipeline(transaction=is_one_instant)
        self._queued: list[Queued[Any]] = []

    def queued(self, decode: Callable[..., T]) -> Queued[T]:
        """All commands added since this was last called; `decode` takes their results, in order,
        and may raise `AskAgain`."""
        start = self._queued[-1].end if self._queued else 0
        queued = Queued(decode, start, len(self.pipe))
        queued.commands = list(self.pipe.command_stack[start:])
        self._queued.append(queued)
        return queued

    def run(self) -> None:
        """Asks Redis, once if nobody has to ask again, and decodes the answers; a `StoreError` if a
        command failed."""
        for _ in range(ROUNDS_MAX):
            with map_redis_errors():
                answers = self.pipe.execute()
            again = [self._decode(queued, answers) for queued in self._queued]
            if not any(again):
                return
            for queued, ask in zip(self._queued, again, strict=True):
                self._queue_again(queued, ask)
        raise StoreUnavailable("what was read changed again and again meanwhile; try once more")

    def _decode(self, queued: Queued[Any], answers: list[Any]) -> AskAgain | None:
        try:
            queued.value = queued.decode(*answers[queued.start : queued.end])
        except AskAgain as again:
            return again
        return None

    def _queue_again(self, queued: Queued[Any], again: AskAgain | None) -> None:
        queued.start = len(self.pipe)
        if again is None:
            for args, options in queued.commands:
                self.pipe.execute_command(*args, **options)  # type: ignore[no-untyped-call]
        else:
            again.ask(self.pipe)
        queued.end = len(self.pipe)
        queued.commands = list(self.pipe.command_stack[queued.start :])

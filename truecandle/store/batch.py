"""A batch: what several readers ask of Redis in one round trip, each answer read by who asked.

Never here: which commands a reader asks with, what their results mean (each reader says both).
Invariant: a reader is given the results of its own commands, whoever else asks in the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from redis import Redis
from redis.client import Pipeline

from truecandle.store import map_redis_errors

T = TypeVar("T")


class Queued(Generic[T]):
    """What one reader has asked for. `value` is the answer, there once the batch has run."""

    __slots__ = ("decode", "end", "start", "value")

    def __init__(self, decode: Callable[..., T], start: int, end: int) -> None:
        self.decode = decode
        #: Its results among those of the batch.
        self.start, self.end = start, end
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
        """All commands added since this was last called; `decode` takes their results, in order."""
        start = self._queued[-1].end if self._queued else 0
        queued = Queued(decode, start, len(self.pipe))
        self._queued.append(queued)
        return queued

    def run(self) -> None:
        """Asks Redis, once, and decodes the answers; a `StoreError` if a command failed."""
        with map_redis_errors():
            answers = self.pipe.execute()
        for queued in self._queued:
            queued.value = queued.decode(*answers[queued.start : queued.end])

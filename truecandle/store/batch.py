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
    """What one reader has asked for; `value` decodes it once the batch has run."""

    __slots__ = ("_decode", "_first", "_last", "_results")

    def __init__(self, decode: Callable[[list[Any]], T], first: int, last: int) -> None:
        self._decode = decode
        self._first, self._last = first, last
        #: Of its own commands; None until the batch has run.
        self._results: list[Any] | None = None

    def take(self, answers: list[Any]) -> None:
        """Keeps its own of the batch's answers."""
        self._results = answers[self._first : self._last]

    @property
    def value(self) -> T:
        """The answer, decoded whenever it is looked at; `RuntimeError` before `Batch.run`."""
        if self._results is None:
            raise RuntimeError("a batch is read before it has run")
        return self._decode(self._results)


class Batch:
    """Reads that leave together; with `is_one_instant` as a transaction, so that none of the
    answers is older than another.
    """

    def __init__(self, redis: Redis, *, is_one_instant: bool = True) -> None:
        self._pipe: Pipeline = redis.pipeline(transaction=is_one_instant)
        self._queued: list[Queued[Any]] = []

    def add(self, ask: Callable[[Pipeline], object], decode: Callable[[list[Any]], T]) -> Queued[T]:
        """Queues the commands that `ask` sends; `decode` is given just their results, in order."""
        first = len(self._pipe)
        ask(self._pipe)
        queued = Queued(decode, first, len(self._pipe))
        self._queued.append(queued)
        return queued

    @map_redis_errors()
    def run(self) -> None:
        """Asks Redis, once; a `StoreError` if any of the commands failed."""
        answers = self._pipe.execute()
        for queued in self._queued:
            queued.take(answers)

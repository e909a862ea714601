"""One at a time by key: what several want at once is made by one of them, and found by the others.

Never here: what is made.
Invariant: a key that nobody holds or waits for is not remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class _KeyLock:
    """`count` are those who hold it or wait for it."""

    __slots__ = ("count", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0


class KeyedLocks:
    """A lock for each key. Safe between threads, real and green."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, _KeyLock] = {}

    @contextmanager
    def held(self, key: Hashable) -> Iterator[None]:
        """Alone with the key."""
        with self._lock:
            one = self._locks.setdefault(key, _KeyLock())
            one.count += 1
        try:
            with one.lock:
                yield
        finally:
            with self._lock:
                one.count -= 1
                if not one.count:
                    del self._locks[key]

"""A cache whose bound is a number of bytes: what was not asked for the longest goes first.

Never here: what is kept, whether it still holds (whoever takes it out has to know that).
Invariant: what is kept never counts more than `bytes_max`. Safe between threads, real and green.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: What counts more than this share of the whole is not kept: it would push too much out.
SHARE_MAX: Final = 1 / 4
#: What an entry takes beside its own bytes, about.
ENTRY_BYTES: Final = 1_000


class ByteCache(Generic[K, V]):
    """Values by key, each with the bytes that it counts."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        #: What all entries count together.
        self.bytes = 0

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keeps the value in place of what was there; `size` in bytes."""
        size += ENTRY_BYTES
        with self._lock:
            if (old := self._entries.pop(key, None)) is not None:
                self.bytes -= old[1]
            if size > self._bytes_max * SHARE_MAX:
                return
            self._entries[key] = value, size
            self.bytes += size
            while self.bytes > self._bytes_max:
                _, (_, freed) = self._entries.popitem(last=False)
                self.bytes -= freed

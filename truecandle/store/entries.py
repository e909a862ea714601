"""Entries of ours in a key that somebody else may have written to: what is none of ours is skipped.

Never here: what an entry is (each store says how its own is read).
Invariant: one odd entry spoils itself only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from truecandle.errors import CandleError

T = TypeVar("T")


def own(texts: Iterable[bytes], parse: Callable[[bytes], T]) -> list[T]:
    """What `parse` makes of the texts, in their order, without those that it refuses."""
    found = []
    for text in texts:
        try:
            found.append(parse(text))
        except CandleError:
            continue
    return found

"""Waiting for a condition, never for time.

Never here: what is waited for.
Invariant: a wait ends at its deadline, and says what it was for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_S = 60.0
#: What ends at all has ended by then on the busiest machine; what hangs has not. How long it takes
#: on a quiet one is measured in `bench/`.
HANGS_S = 30.0
POLL_S = 0.01
T = TypeVar("T")


def wait_for(
    condition: Callable[[], T], timeout_s: float = DEADLINE_S, what: str = "the condition"
) -> T:
    """Ask until the answer is truthy and return it; fail after `timeout_s` naming `what`."""
    deadline_s = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(POLL_S)
    return answer

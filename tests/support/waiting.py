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
#: Between two looks it is waited as long as one took, so much at most: what is waited for needs the
#: machine as well.
PAUSE_S_MAX = 0.05
T = TypeVar("T")


def wait_for(
    condition: Callable[[], T], timeout_s: float = DEADLINE_S, what: str = "the condition"
) -> T:
    """Ask until the answer is truthy and return it; fail after `timeout_s` naming `what`."""
    asked_s = time.monotonic()
    deadline_s = asked_s + timeout_s
    while not (answer := condition()):
        now_s = time.monotonic()
        if now_s > deadline_s:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(min(max(POLL_S, now_s - asked_s), PAUSE_S_MAX))
        asked_s = time.monotonic()
    return answer

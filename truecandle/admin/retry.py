"""Waits where waiting helps: for request weight, an exchange or a Redis that is away for a while.

Never here: what is tried.
Invariant: every wait and the number of tries is bounded; an error that stays is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from truecandle.backoff import ceiling
from truecandle.binance.reachability import PROBE_S
from truecandle.errors import (
    AnswerHeld,
    ExchangeUnreachable,
    MalformedAnswer,
    Outage,
    RateLimited,
    StoreUnavailable,
    TrueCandleError,
)

T = TypeVar("T")

TRIES_MAX: Final = 8
#: An answer that makes no sense is not waited for as long as one that does not come.
MALFORMED_MAX: Final = 3
PAUSE_S: Final = 1.0
PAUSE_S_MAX: Final = 60.0
#: A wait for weight or for a ban's end that is longer than this ends the command instead.
WAIT_S_MAX: Final = 600.0
#: So often in a row a full budget is waited for.
WAITS_MAX: Final = 100
#: So often an outage's end shortens the waits for one action: who fails all the same waits it out.
WAKES_MAX: Final = 3
#: A wait worth a word.
WORD_S: Final = 5.0


class RetryPolicy:
    """`retry_policy(action)` gives what `action` gives, after several tries, up to a bound."""

    def __init__(
        self, say: Callable[[str], None], sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._say = say
        self._sleep = sleep

    def __call__(self, action: Callable[[], T]) -> T:
        """Asks the exchange."""
        tries = waits = wakes = 0
        while True:
            try:
                return self.with_store(action)
            except RateLimited as error:
                waits += 1
                if waits > WAITS_MAX or error.retry_after_ms > WAIT_S_MAX * 1000:
                    raise
                self._wait(error.retry_after_ms / 1000, "the request weight is used up")
            except AnswerHeld:
                raise
            except (ExchangeUnreachable, MalformedAnswer) as error:
                tries += 1
                if tries >= (
                    TRIES_MAX if isinstance(error, ExchangeUnreachable) else MALFORMED_MAX
                ):
                    raise
                outage = error.outage if isinstance(error, ExchangeUnreachable) else None
                self._pause(tries, error, outage if wakes < WAKES_MAX else None)
                wakes += outage is not None and outage.is_over

    def with_store(self, action: Callable[[], T]) -> T:
        """Asks Redis alone."""
        for tries in range(1, TRIES_MAX):
            try:
                return action()
            except StoreUnavailable as error:
                self._pause(tries, error)
        return action()

    def _pause(self, tries: int, error: TrueCandleError, outage: Outage | None = None) -> None:
        """Waits longer after each try; for an outage, only until somebody is answered."""
        seconds = ceiling(PAUSE_S, PAUSE_S_MAX, tries)
        if outage is None:
            self._wait(seconds, str(error))
            return
        self._word(seconds, f"{error}; tried every {PROBE_S:.0f} s")
        until_s = time.monotonic() + seconds
        for _ in range(int(seconds / PROBE_S)):
            self._sleep(PROBE_S)
            outage.probe()
            if outage.is_over or time.monotonic() >= until_s:
                return

    def _wait(self, seconds: float, why: str) -> None:
        self._word(seconds, why)
        self._sleep(seconds)

    def _word(self, seconds: float, why: str) -> None:
        if seconds >= WORD_S:
            self._say(f"{why}; going on in {seconds:.0f} s")

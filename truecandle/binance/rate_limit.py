"""How much may be asked of the exchange, and how long to be silent when it says so.

Never here: Redis (the shared budget is handed in), sockets.
Invariant: a limit is answered by at least a second of silence, and at most by the longest ban.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Protocol

#: Of all clients of a process that share a `RequestPacer`: what 200 markets ask at a close leaves
#: in under two seconds. How much may be asked in a minute is the budget's to say.
REQUESTS_PER_SECOND = 125

#: Used where the exchange names no usable time.
RETRY_DEFAULT_MS = 60_000
RETRY_MIN_MS = 1_000
#: Bans grow "from 2 minutes to 3 days". Source: Binance spot API, general information on limits.
RETRY_MAX_MS = 3 * 24 * 3600 * 1000

_SECONDS = re.compile(r"[0-9]{1,12}")
#: "... IP banned until 1660090423228. ...": ms since 1970; the words around it change.
_BANNED_UNTIL = re.compile(rb"until ([0-9]{13})")


class WeightBudget(Protocol):
    """Request weight and bans, shared by every process of this address. Times: exchange's,
    in ms.

    `take` gives 0 when the weight was taken, else the ms to wait before asking again, be it for a
    ban's end; `reserve` of the weight is left to more urgent requests. `learn` takes in what the
    exchange says that it allows.
    """

    def take(self, weight: int, now_ms: int, *, reserve: int = 0) -> int: ...
    def report(self, used_weight: int, now_ms: int) -> int: ...
    def learn(self, allowed_per_minute: int) -> None: ...
    def ban(self, until_ms: int) -> int: ...
    def banned_until_ms(self) -> int: ...


class RequestPacer:
    """At most `per_second` requests a second, evenly spread, over all threads that share it."""

    def __init__(self, per_second: float) -> None:
        self._gap_s = 1 / per_second
        self._lock = threading.Lock()
        self._next_s = 0.0

    def wait(self, sleep: Callable[[float], object]) -> None:
        """Returns when it is this request's turn."""
        with self._lock:
            now_s = time.monotonic()
            turn_s = max(now_s, self._next_s)
            self._next_s = turn_s + self._gap_s
        if turn_s > now_s:
            sleep(turn_s - now_s)


def retry_after_ms(status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> int:
    """How long no request may leave after a 429, 418 or 403 answer.

    The longer one of the `Retry-After` header (whole seconds) and the end of a ban named in the
    body counts; a firewall's 403 costs the default at least.
    """
    waits_ms = []
    seconds = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(seconds):
        waits_ms.append(int(seconds) * 1000)
    named = _BANNED_UNTIL.search(body)
    if named:
        waits_ms.append(int(named[1]) - now_ms)
    if status == 403 or not waits_ms:
        waits_ms.append(RETRY_DEFAULT_MS)
    return max(RETRY_MIN_MS, min(RETRY_MAX_MS, max(waits_ms)))


def used_weight(headers: Mapping[str, str]) -> int | None:
    """The weight that this address has used in the running minute; None where it isn't told."""
    text = headers.get("X-MBX-USED-WEIGHT-1M", "").strip()
    return int(text) if _SECONDS.fullmatch(text) else None


def date_ms(headers: Mapping[str, str]) -> int | None:
    """When the exchange made its answer, by its own clock, in ms: the whole second of the `Date`
    header, so up to a second early and never late; None where it isn't told.
    """
    try:
        told = parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return None if told.tzinfo is None else int(told.timestamp()) * 1000

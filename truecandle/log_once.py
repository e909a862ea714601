"""Logs each trouble once, then each minute with a count, until it changes or all is well again.

Never here: what is done about a trouble; troubles that nobody thought of, which are logged each.
Invariant: whatever others say comes on one line of bounded length, without control characters.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Of a text of others in one line of the log.
TEXT_MAX = 300
#: How often a trouble that lasts is told again, with how often it was met since.
AGAIN_S = 60.0


@dataclass(slots=True)
class _Trouble:
    """`kind` of error, when it was logged last (s), and how often it was met since."""

    kind: str
    told_s: float
    count: int = 0


class TroubleLog:
    """`report` what went wrong each time; `clear` when it goes well. One thread at a time for each
    subject."""

    def __init__(
        self, log: logging.Logger, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._monotonic_s = monotonic_s
        #: By subject: the trouble that was logged last and lasts.
        self._reported: dict[str, _Trouble] = {}

    def report(self, subject: str, error: Exception) -> None:
        """Logs an error of `subject`, a name, unless one of its kind was the last there; that once
        a minute."""
        kind, now_s = type(error).__name__, self._monotonic_s()
        last = self._reported.get(subject)
        if last is not None and last.kind == kind:
            last.count += 1
            if now_s - last.told_s < AGAIN_S:
                return
        is_again = last is not None and last.kind == kind
        again = f" ({last.count} times since)" if last is not None and is_again else ""
        self._reported[subject] = _Trouble(kind, now_s)
        head = f"{subject}: " if subject else ""
        self._log.warning("%s%s%s", head, one_line(str(error)), again)

    def clear(self, subject: str) -> bool:
        """All is well with it; whether it was not."""
        return self._reported.pop(subject, None) is not None


def one_line(text: str) -> str:
    """Text of others on one line, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:TEXT_MAX]

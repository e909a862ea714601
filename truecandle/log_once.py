"""Logs each trouble once, until it changes or all is well again.

Never here: what is done about a trouble; troubles that nobody thought of, which are logged each.
Invariant: whatever others say comes on one line of bounded length, without control characters.
"""

from __future__ import annotations

import logging

#: Of a text of others in one line of the log.
TEXT_MAX = 300


class TroubleLog:
    """`report` what went wrong each time; `clear` when it goes well. One thread at a time for each
    subject."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        #: By subject: the kind of trouble that was logged last and lasts.
        self._reported: dict[str, str] = {}

    def report(self, subject: str, error: Exception) -> None:
        """Logs an error of `subject`, a name, unless one of its kind was the last there."""
        kind = type(error).__name__
        if self._reported.get(subject) != kind:
            self._reported[subject] = kind
            self._log.warning("%s%s", f"{subject}: " if subject else "", one_line(str(error)))

    def clear(self, subject: str) -> bool:
        """All is well with it; whether it was not."""
        return self._reported.pop(subject, None) is not None


def one_line(text: str) -> str:
    """Text of others on one line, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:TEXT_MAX]

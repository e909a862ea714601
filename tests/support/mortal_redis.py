"""A client of Redis whose process ends between two commands, or before an answer is read.

Never here: assertions, what is done by that client.
Invariant: what was sent before was done, what was to follow never was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.connection import Connection


class Killed(BaseException):
    """The process ends here."""


class _Mortal(Connection):
    """Ends the process when so many commands have been sent, before or after the last of them."""

    left = -1
    is_after = False

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if _Mortal.left == 0 and not _Mortal.is_after:
            raise Killed
        super().send_packed_command(command, check_health)
        if _Mortal.left == 0:
            self.read_response()
            raise Killed
        _Mortal.left -= 1


def kill_after(commands: int, *, is_after: bool = False) -> None:
    """From now on so many are sent, and one more with `is_after`; -1: all are."""
    _Mortal.left, _Mortal.is_after = commands, is_after


@contextmanager
def mortal_client(redis: Redis) -> Iterator[Redis]:
    """Another client of the same Redis."""
    known = redis.connection_pool.connection_kwargs
    client = Redis(host=known["host"], port=known["port"], db=known.get("db", 0), protocol=3)
    client.connection_pool.connection_class = _Mortal
    kill_after(-1)
    yield client
    kill_after(-1)
    client.close()

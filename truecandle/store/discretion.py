"""Connections to Redis whose errors never show the password that they were opened with.

A server may quote what it was sent: one that does not know `HELLO` answers with all its arguments,
the password among them, and that answer is the text of an exception which somebody prints.

Never here: which errors there are (`store`), URLs of other services.
Invariant: when an error leaves an attempt to connect, nothing in its whole chain quotes a password.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from redis.connection import AbstractConnection
from redis.exceptions import RedisError

#: So many characters of a password in a row are one part too many. Servers cut what they quote.
PART_CHARS: Final = 6
#: Errors that one stands for: causes of causes.
CHAIN_MAX: Final = 20
WITHHELD: Final = "what answers at REDIS_URL quotes the password; its words are not shown"


def discreet(kind: type[AbstractConnection], passwords: Iterable[str]) -> type[AbstractConnection]:
    """A class of connections as `kind`, whose errors hold no part of these passwords."""
    hidden = frozenset(part for one in passwords for part in _parts(one))

    class Discreet(kind):  # type: ignore[valid-type, misc]
        def connect_check_health(self, *given: Any, **named: Any) -> None:
            try:
                super().connect_check_health(*given, **named)
            except RedisError as error:
                _withhold(error, hidden)
                raise

    return Discreet


def _parts(password: str) -> Iterable[str]:
    """The password itself if it is short."""
    last = max(len(password) - PART_CHARS, 0)
    return (password[start : start + PART_CHARS] for start in range(last + 1))


def _withhold(error: BaseException, hidden: frozenset[str]) -> None:
    waiting: list[BaseException | None] = [error]
    for _ in range(CHAIN_MAX):
        one = waiting.pop() if waiting else None
        if one is None:
            continue
        text = f"{one} {one.args}"
        if any(part in text for part in hidden):
            one.args = (WITHHELD,)
        waiting += [one.__cause__, one.__context__]

"""The table of what each role may do in Redis covers every key, and grants nothing dangerous.

Never here: a server that goes by it (`tests/faults/test_redis_users.py`).
Invariant: a new kind of key has somebody who may write it, or this fails.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from truecandle.store import keys
from truecandle.store.permissions import COMMON, PERMISSIONS, USERS, acl_line

NEVER = {"flushall", "flushdb", "config", "debug", "keys", "shutdown", "acl", "save", "monitor"}


def names() -> list[str]:
    """A key of every family."""
    families = {**keys.OF_SERIES, **keys.OF_OTHERS}
    return [*(f"{head}x" for head in families), *keys.SINGLE]


def test_every_key_has_a_role_that_writes_it_and_the_commands_may_too() -> None:
    for name in names():
        writers = {
            user
            for user, granted in PERMISSIONS.items()
            if any(fnmatchcase(name, pattern) for pattern in granted.writes)
        }
        assert writers & {"web", "fetcher", "feed"} or name.startswith(("lease", "fence")), name
        assert "admin" in writers, name


def test_no_role_has_a_command_that_none_needs() -> None:
    for granted in PERMISSIONS.values():
        given = {command.partition("|")[0] for command in (*COMMON, *granted.commands)}
        assert not given & NEVER


def test_only_the_fetcher_and_the_commands_write_official_candles_and_only_web_and_they_accounts() \
        -> None:  # fmt: skip
    for user, granted in PERMISSIONS.items():
        may = {name for name in names() if any(fnmatchcase(name, p) for p in granted.writes)}
        assert ("klines_z:x" in may) == (user in ("fetcher", "admin"))
        assert ("user:x" in may) == (user in ("web", "admin"))


def test_a_line_begins_with_nothing_and_holds_the_hash_of_the_password() -> None:
    for user in USERS:
        line = acl_line(user, "ab" * 32)
        assert line.startswith(f"user {user} reset on #{'ab' * 32} ")
        assert " -@all +" in line and " &truecandle:*" in line and "nopass" not in line

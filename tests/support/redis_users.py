"""A real server on which each role is a user of its own, with exactly the rights of the table.

Never here: assertions.
Invariant: users and rights come from the tool that a deployment uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from redis import Redis

from tests.support.redis_server import RedisProc
from tools import redis_users

#: A user with all rights, who is there for the test alone.
OWNER = "owner"


class UsersServer(NamedTuple):
    """The server, and the folder that the tool made."""

    server: RedisProc
    folder: Path

    def file(self, user: str) -> Path:
        """The file in which this user finds the server's URL, with name and password."""
        return self.folder / user / "url"

    def url(self, user: str) -> str:
        return self.file(user).read_text().strip()

    def owner(self) -> Redis:
        """A client that may do everything."""
        return self.server.client(username=OWNER, password=OWNER)


@contextmanager
def users_server(folder: Path) -> Iterator[UsersServer]:
    users, data = folder / "users", folder / "data"
    data.mkdir(parents=True)
    users.mkdir()
    acl = users / "server" / "users.acl"
    server = RedisProc(data, aof=True, extra=("--aclfile", str(acl)))
    redis_users.make(users, f"redis://127.0.0.1:{server.port}/0")
    with acl.open("a") as file:
        file.write(f"user {OWNER} on >{OWNER} ~* &* +@all\n")
    with server:
        yield UsersServer(server, users)

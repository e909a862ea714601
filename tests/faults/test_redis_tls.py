"""Redis by TLS (`rediss://`) with an authority of one's own: all roles work, no other is believed.

Never here: which options a URL may have (`tests/test_urls.py`).
Invariant: a real handshake before a real server, whose name and password pass through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.redis_users import UsersServer, users_server
from tests.support.role_processes import Roles
from tests.support.tls_proxy import TlsProxy, make_authority
from tests.support.waiting import wait_for
from tests.support.web_process import Client, clients
from tests.support.whole_system import System, ask
from truecandle.errors import StoreUnavailable
from truecandle.store import connect
from truecandle.store.accounts import Accounts
from truecandle.store.permissions import USERS


@pytest.fixture
def served(tmp_path: Path) -> Iterator[UsersServer]:
    with users_server(tmp_path / "users-and-data") as server:
        yield server


def by_tls(url: str, port: int, authority: Path) -> str:
    """The same user by TLS at that port."""
    login = url.removeprefix("redis://").partition("@")[0]
    return f"rediss://{login}@127.0.0.1:{port}/0?ssl_ca_certs={quote(str(authority), safe='')}"


def test_the_whole_system_works_by_tls(
    served: UsersServer, tmp_path: Path, processes: Roles
) -> None:
    authority, certificate = make_authority(tmp_path, "own")
    with TlsProxy(certificate, served.server.port) as proxy:
        for user in USERS:
            served.file(user).write_text(by_tls(served.url(user), proxy.port, authority))
        system = System(tmp_path, processes, "BTCUSDT", users=served)
        system.open()
        wait_for(lambda: ask(system, "/data")["count"] > 100, what="official candles")
        with clients() as made:
            client = Client()
            made.append(client)
            client.connect(system, system.token())
            client.follow("BTCUSDT", "1s")
            client.wait_heard("live_price")
        processes.end()


@pytest.mark.parametrize("flaw", ["another authority", "another address"])
def test_a_server_that_is_not_the_one_is_not_spoken_to(
    served: UsersServer, tmp_path: Path, flaw: str
) -> None:
    address = "127.0.0.9" if flaw == "another address" else "127.0.0.1"
    authority, certificate = make_authority(tmp_path, "own", address)
    if flaw == "another authority":
        authority, _ = make_authority(tmp_path, "other")
    with TlsProxy(certificate, served.server.port) as proxy:
        url = by_tls(served.url("web"), proxy.port, authority)
        with connect(url) as client, pytest.raises(StoreUnavailable, match=r"(?i)certificate") as e:
            Accounts(client).is_empty()
        password = served.url("web").partition("@")[0].rpartition(":")[2]
        assert password not in str(e.value)

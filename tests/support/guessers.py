"""Somebody who guesses passwords from any number of addresses, and the owner of the account.

Never here: assertions about what is answered.
Invariant: every try comes over a socket of its own from the address that was asked for.
"""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Iterator
from urllib.parse import urlencode

import requests
from redis import Redis

from tests.support.web_process import Web, cookies, csrf
from truecandle.store import markets
from truecandle.store.accounts import Accounts
from truecandle.web import passwords

PASSWORD = "correct horse battery"


def add_ann(redis: Redis) -> None:
    """Ann with a password, and a market."""
    markets.followed(redis, ("BTCUSDT",))
    Accounts(redis).add("ann", passwords.hashed(PASSWORD), 0, "admin")


class Guesser:
    """Somebody with any number of addresses on loopback."""

    def __init__(self, web: Web) -> None:
        session = requests.Session()
        self._web = web
        self._token = csrf(web, session)
        self._cookies = cookies(session)

    def guess(self, address: str, name: str = "ann", password: str = "a wrong one") -> int:
        """The status that a try is answered with."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._web.port, timeout=60, source_address=(address, 0)
        )
        form = {"username": name, "password": password, "csrf_token": self._token}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": self._cookies,
            "Connection": "close",
        }
        try:
            connection.request("POST", "/login", urlencode(form), headers)
            return connection.getresponse().status
        finally:
            connection.close()


def addresses() -> Iterator[str]:
    """Ever new ones."""
    for high, low in itertools.product(range(1, 250), range(1, 250)):
        yield f"127.9.{high}.{low}"


def owner(web: Web) -> requests.Session:
    """A browser in which ann has signed in before, and out."""
    session = requests.Session()
    assert enter(web, session) == 303
    out = {"csrf_token": csrf(web, session)}
    session.post(f"{web.url}/logout", data=out, timeout=20, allow_redirects=False)
    return session


def enter(web: Web, session: requests.Session) -> int:
    form = {"username": "ann", "password": PASSWORD, "csrf_token": csrf(web, session)}
    answer = session.post(f"{web.url}/login", data=form, timeout=60, allow_redirects=False)
    return answer.status_code

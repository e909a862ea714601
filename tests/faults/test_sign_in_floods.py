"""Guessers with a thousand addresses, and floods of sign-ins, against `app.py` on real sockets.

Never here: how tries are counted (`tests/web/test_sign_in.py`).
Invariant: the owner of the account and everybody else go on as if nothing happened.
"""

from __future__ import annotations

import http.client
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from redis import Redis

from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.web_process import Web, bearer, cookies, csrf, signed_in, token_of
from truecandle.store import markets
from truecandle.store.accounts import Accounts
from truecandle.web import passwords

PASSWORD = "correct horse battery"
AUDIT = "/audit?symbol=BTCUSDT&interval=1h"


@pytest.fixture
def web(processes: Roles, redis: Redis, redis_url: str, tmp_path: Path) -> Web:
    """The web role; ann has a password, a token and a market."""
    markets.followed(redis, ("BTCUSDT",))
    Accounts(redis).add("ann", passwords.hashed(PASSWORD), 0, "admin")
    return Web(processes, redis_url, tmp_path)


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


def test_a_thousand_tries_from_one_address_and_from_a_thousand(web: Web, redis: Redis) -> None:
    known, guesser, more = owner(web), Guesser(web), addresses()
    from_one = Counter(guesser.guess("127.8.0.1") for _ in range(1_000))
    assert from_one == {401: 5, 429: 995}
    from_many = Counter(guesser.guess(next(more)) for _ in range(1_000))
    assert from_many == {401: 15, 429: 985}, "20 in all"
    assert enter(web, known) == 303, "the owner's browser"
    assert enter(web, requests.Session()) == 429, "another one"
    signed_in(web, redis)


def test_a_flood_of_sign_ins_keeps_nobody_waiting(web: Web, redis: Redis) -> None:
    known, guesser, more = owner(web), Guesser(web), addresses()
    reader, seen, stop = bearer(token_of(redis)), Counter[int](), threading.Event()
    names, lock = itertools.count(), threading.Lock()

    def flood() -> None:
        while not stop.is_set():
            with lock:
                address, name = next(more), f"name{next(names)}"
            seen[guesser.guess(address, name)] += 1

    floods = [threading.Thread(target=flood) for _ in range(30)]
    for thread in floods:
        thread.start()
    try:
        wait_for(lambda: seen[503] > 20 and seen[401] > 5, 60, "a full lane")
        for _ in range(20):
            assert web.get(AUDIT, headers=reader).status_code == 200
        assert enter(web, known) == 303, "the owner has a lane of his own"
    finally:
        stop.set()
        for thread in floods:
            thread.join(60)
    assert set(seen) == {401, 503}

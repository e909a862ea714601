"""Guessers with a hundred addresses, and floods of sign-ins, against `app.py` on real sockets.

Never here: how tries are counted (`tests/web/test_sign_in.py`).
Invariant: the owner of the account and everybody else go on as if nothing happened.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from pathlib import Path

import pytest
import requests
from redis import Redis

from tests.support.guessers import Guesser, add_ann, addresses, enter, owner
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.web_process import Web, bearer, signed_in, token_of
from truecandle.web.hashing_queue import WAITING_MAX

AUDIT = "/audit?symbol=BTCUSDT&interval=1h"
#: So many have a turn or wait for one; as many again are refused all the while.
LANE = 1 + WAITING_MAX


@pytest.fixture(params=["eventlet", "gevent", "threading"])
def web(
    request: pytest.FixtureRequest, processes: Roles, redis: Redis, redis_url: str, tmp_path: Path
) -> Web:
    """The web role in each way of serving."""
    add_ann(redis)
    return Web(processes, redis_url, tmp_path, ASYNC_MODE=request.param)


def test_a_hundred_tries_from_one_address_and_from_a_hundred(web: Web, redis: Redis) -> None:
    """A thousand each are counted by `tests/web/test_sign_in.py`."""
    known, guesser, more = owner(web), Guesser(web), addresses()
    from_one = Counter(guesser.guess("127.8.0.1") for _ in range(100))
    assert from_one == {401: 5, 429: 95}
    from_many = Counter(guesser.guess(next(more)) for _ in range(100))
    assert from_many == {401: 15, 429: 85}, "20 in all"
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

    floods = [threading.Thread(target=flood) for _ in range(2 * LANE)]
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

"""The web role stopped, killed, started twice, and left without a Redis.

Never here: other roles; exact times that a busy machine would miss.
Invariant: it answers or says 503, it ends when told to, and no page needs a reload afterwards.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.waiting import HANGS_S, wait_for
from tests.support.web_process import (
    HOURS,
    Client,
    Web,
    aside,
    bearer,
    clients,
    csrf,
    signed_in,
    token_of,
)
from tools import assets
from truecandle.events import Publisher
from truecandle.store.accounts import Accounts
from truecandle.store.channel import Channel
from truecandle.web import passwords

#: An unbounded client would take twice as long (58 s).
BOUNDED_S = HANGS_S
HALF_OPEN = 1_100


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RedisProc]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisProc(folder, aof=True, fsync="always") as server:
        yield server


@pytest.fixture
def web(store: RedisProc, processes: Roles, tmp_path: Path) -> Web:
    return Web(processes, store.url, tmp_path / "var")


def test_told_to_stop_it_finishes_what_runs_and_ends_with_0(store: RedisProc, web: Web) -> None:
    with store.client() as redis, clients() as made:
        token = token_of(redis)
        made.append(Client().connect(web, token))
        answers: list[requests.Response] = []
        store.freeze()
        running = aside(lambda: answers.append(web.get(HOURS, headers=bearer(token))))
        threading.Event().wait(0.3)
        web.role.send(signal.SIGTERM)
        running.join(20)
        assert web.role.end() == 0
        assert [answer.status_code for answer in answers] == [503]
        assert "web: stopped" in web.role.lines
        wait_for(lambda: not made[0].io.connected, what="the socket to end")
        store.thaw()


def test_ctrl_c_stops_it_too(web: Web) -> None:
    assert web.role.end(signal.SIGINT) == 0
    assert "Traceback" not in web.role.output


def test_a_second_start_on_the_same_port_fails_with_one_clear_line(web: Web) -> None:
    first = web.role
    second = web.start(wait=False)
    assert second.process.wait(30) == 2
    wait_for(lambda: not second.alive(), what="its output")
    assert len(second.lines) == 1
    assert str(web.port) in second.output and "PORT=" in second.output
    assert first.alive() and web.get("/healthz").status_code == 200


def test_wrong_settings_are_said_and_nothing_starts(processes: Roles) -> None:
    env = {"PORT": "http", "INTERVALS": "7m", "SECRET_KEY": ""}
    role = processes.start("web", ["app.py"], env)
    assert role.process.wait(30) == 2
    wait_for(lambda: not role.alive(), what="its output")
    assert "PORT='http'" in role.output and "INTERVALS='7m'" in role.output
    assert "Traceback" not in role.output


def test_killed_and_started_again_sessions_go_on(store: RedisProc, web: Web) -> None:
    with store.client() as redis:
        session = signed_in(web, redis)
        web.role.kill()
        web.start()
        assert session.get(web.url + HOURS, timeout=20).status_code == 200


def test_a_frozen_redis_is_503_soon_while_the_process_stays_awake(
    store: RedisProc, web: Web
) -> None:
    with store.client() as redis:
        token = token_of(redis)
        assert web.get(HOURS, headers=bearer(token)).status_code == 200
        store.freeze()
        answers: list[requests.Response] = []
        waiting = [
            aside(lambda: answers.append(web.get(HOURS, headers=bearer(token)))) for _ in range(5)
        ]
        assert web.get("/healthz").elapsed.total_seconds() < BOUNDED_S
        for thread in waiting:
            thread.join(30)
        assert [answer.status_code for answer in answers] == [503] * 5
        assert all(answer.elapsed.total_seconds() < BOUNDED_S for answer in answers)
        assert all(answer.headers["Retry-After"] for answer in answers)
        assert web.get("/readyz").status_code == 503
        store.thaw()
        wait_for(lambda: web.get(HOURS, headers=bearer(token)).status_code == 200, what="200 again")


def test_a_redis_that_restarts_costs_no_socket_and_tells_to_compare_versions(
    store: RedisProc, web: Web
) -> None:
    with store.client() as redis, clients() as made:
        token = token_of(redis)
        made.append(Client().connect(web, token))
        client = made[0]
        client.follow()
        web.role.wait_for_line("listening for events")
        before = len(client.heard("resync"))
        store.kill()
        answer = client.follow("BTCUSDT", "1m")
        assert (answer["ok"], answer["code"]) == (False, "unavailable")
        store.start()
        client.wait_heard("resync", before + 1)
        assert client.io.connected
        wait_for(lambda: client.follow("BTCUSDT", "1m")["ok"], what="subscribing again")
        publisher = Publisher(store.url)
        publisher.live_price(
            "BTCUSDT", price="1", timestamp=1, high="1", low="1", volume="1", trades=1,
            first_id=1, last_id=1,
        )  # fmt: skip
        client.wait_heard("live_price")


def test_a_cut_channel_is_heard_again(store: RedisProc, web: Web) -> None:
    with store.client() as redis, clients() as made:
        made.append(Client().connect(web, token_of(redis)))
        made[0].follow()
        web.role.wait_for_line("listening for events")
        before = len(made[0].heard("resync"))
        redis.client_kill_filter(_type="pubsub")
        made[0].wait_heard("resync", before + 1)
        publisher = Publisher(store.url)
        publisher.live_price(
            "BTCUSDT", price="1", timestamp=1, high="1", low="1", volume="1", trades=1,
            first_id=1, last_id=1,
        )  # fmt: skip
        made[0].wait_heard("live_price")


def test_junk_on_the_channel_is_not_run_and_silences_nobody(
    store: RedisProc, web: Web, tmp_path: Path
) -> None:
    made_by_junk = tmp_path / "made by junk"
    with store.client() as redis, clients() as made:
        made.append(Client().connect(web, token_of(redis)))
        made[0].follow()
        web.role.wait_for_line("listening for events")
        for junk in (
            pickle.dumps(Mkdir(made_by_junk)), b"", b"{", b"\xff\x00", b"null", b"[]", b'"x"', b"1",
            b'{"method":"emit"}', b'{"method":"nothing"}', b'{"method":["emit"],"event":{}}',
        ):  # fmt: skip
            redis.publish(Channel(redis).name(), junk)
        Publisher(store.url).live_price(
            "BTCUSDT", price="1", timestamp=1, high="1", low="1", volume="1", trades=1,
            first_id=1, last_id=1,
        )  # fmt: skip
        made[0].wait_heard("live_price")
    assert not made_by_junk.exists()
    assert "Traceback" not in web.role.output


class Mkdir:
    """Makes a folder of whoever unpickles it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._folder),)


def test_started_before_redis_it_answers_503_and_prints_the_link_later(
    store: RedisProc, processes: Roles, tmp_path: Path
) -> None:
    store.kill()
    web = Web(processes, store.url, tmp_path / "var", SIMULATED="1")
    web.role.wait_for_line("waiting for Redis")
    assert web.get("/readyz").status_code == 503
    store.start()
    link = web.role.wait_for_line(rf"Open {web.url}/login#link=(\S+)")[1]
    session = requests.Session()
    headers = {"X-CSRFToken": csrf(web, session)}
    codes = [
        session.post(f"{web.url}/login/link", json={"link": link}, headers=headers, timeout=20)
        for _ in range(1)
    ]
    assert [answer.status_code for answer in codes] == [200]
    page = session.get(web.url, timeout=20).text
    assert '"simulated":true' in page and '"user":"demo"' in page
    assert link not in "\n".join(line for line in web.role.lines if "Open" not in line)


def test_half_open_connections_do_not_shut_anybody_out(web: Web) -> None:
    held = []
    try:
        for _ in range(HALF_OPEN):
            connection = socket.create_connection(("127.0.0.1", web.port), timeout=20)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127")
            held.append(connection)
        assert web.get("/healthz").status_code == 200
    finally:
        for connection in held:
            connection.close()


def test_many_sign_ins_at_once_leave_the_others_their_answers(store: RedisProc, web: Web) -> None:
    with store.client() as redis:
        Accounts(redis).add("ann", passwords.hashed("correct horse battery"), 0, "admin")
        sessions = [requests.Session() for _ in range(5)]
        tokens = [csrf(web, session) for session in sessions]
        codes: list[int] = []

        def sign_in(i: int) -> None:
            form = {"username": "ann", "password": "wrong but hashed", "csrf_token": tokens[i]}
            answer = sessions[i].post(f"{web.url}/login", data=form, timeout=60)
            codes.append(answer.status_code)

        running = [aside(lambda i=i: sign_in(i)) for i in range(5)]
        began_s = time.monotonic()
        assert web.get("/healthz").status_code == 200
        answered_s = time.monotonic() - began_s
        for thread in running:
            thread.join(60)
        # Who waited too long for a turn on a busy machine is told to come again.
        assert len(codes) == 5 and 401 in codes and set(codes) <= {401, 503}
        assert answered_s < BOUNDED_S


def test_an_idle_keep_alive_connection_answers_at_once(web: Web) -> None:
    """Head and body in one piece: no 40 ms of Nagle between requests, however large the body."""
    manifest = assets.read_manifest()
    assert manifest
    script = f"/static/{manifest.assets['chart.js']}"
    with requests.Session() as session:
        took = []
        for _ in range(30):
            session.get(f"{web.url}{script}", timeout=20)
            began_s = time.perf_counter()
            session.get(f"{web.url}{script}", timeout=20)
            took.append(time.perf_counter() - began_s)
    assert min(took) < 0.035


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_it_serves_in_other_modes_too(
    store: RedisProc, processes: Roles, tmp_path: Path, mode: str
) -> None:
    web = Web(processes, store.url, tmp_path / "var", ASYNC_MODE=mode)
    with store.client() as redis, clients() as made:
        made.append(Client().connect(web, token_of(redis)))
        assert made[0].follow()["ok"] is True
        assert web.get("/healthz").status_code == 200
        assert web.role.end() == 0
        wait_for(lambda: not made[0].io.connected, what="the socket to end")

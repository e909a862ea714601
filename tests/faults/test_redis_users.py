"""Each role as a Redis user of its own: with the rights of the table everything works, and no more.

Never here: the files that the tool writes (`tests/house/test_redis_users.py`).
Invariant: real roles on a real server with exactly the access control list of a deployment; what
the server refused is looked up in its own log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
import requests

from tests.support.flask_commands import Shell
from tests.support.mirrored_files import mirror
from tests.support.redis_users import UsersServer, users_server
from tests.support.role_processes import Roles
from tests.support.sample_candles import HOURS, after, row, rows
from tests.support.stream_programs import Program
from tests.support.waiting import wait_for
from tests.support.web_process import Client, clients, csrf
from tests.support.whole_system import System, ask
from truecandle.config import read_settings
from truecandle.store import block_inspection, connect, keys, official, pages, sealing
from truecandle.store.permissions import USERS

DRAWING = {"id": "a", "kind": "text", "points": [{"time": 0, "price": "1"}]}
FORBIDDEN = (
    *("FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET maxmemory 1", "DEBUG SLEEP 0", "KEYS *"),
    *("SHUTDOWN NOSAVE", "ACL LIST", "MONITOR", "REPLICAOF NO ONE", "SAVE", "BGREWRITEAOF"),
    *("MODULE LIST", "CLIENT KILL TYPE normal", "MIGRATE h 1 k 0 1", "SWAPDB 0 1", "SCRIPT FLUSH"),
    *("GET other", "SET other 1", "PUBLISH other x", "SUBSCRIBE other"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsersServer]:
    with users_server(tmp_path_factory.mktemp("acl")) as server:
        yield server


@pytest.fixture
def system(served: UsersServer, tmp_path: Path, processes: Roles) -> Iterator[System]:
    whole = System(tmp_path, processes, "BTCUSDT,ETHUSDT", users=served, TRADES_KEPT="100")
    whole.open()
    yield whole


def refused(served: UsersServer) -> list[str]:
    """What the server has refused to our users since the last look."""
    with served.owner() as owner:
        log: Any = owner.execute_command("ACL", "LOG", "128")
        owner.execute_command("ACL", "LOG", "RESET")
    entries = [{text(name): value for name, value in dict(entry).items()} for entry in log]
    return sorted(
        f"{text(entry['username'])}: {text(entry['reason'])} {text(entry['object'])}"
        f" in {text(entry['client-info'])}"
        for entry in entries
        if text(entry["username"]) in USERS
    )


def text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def test_everything_works_and_nothing_is_refused(
    system: System, served: UsersServer, tmp_path: Path
) -> None:
    try:
        use_everything(system, tmp_path)
    finally:
        found = refused(served)
    assert found == []


def use_everything(system: System, folder: Path) -> None:
    """Sign-in, data, live, history, markets, settings, sockets, a takeover, all commands."""
    browser = requests.Session()
    secret = system.sign_in_link().partition("#link=")[2]
    headers = {"X-CSRFToken": csrf(system, browser)}
    link = {"link": secret}
    entered = browser.post(f"{system.url}/login/link", json=link, headers=headers, timeout=20)
    assert entered.ok, entered.text
    wait_for(lambda: ask(system, "/data")["count"] > 100, what="official candles")
    wait_for(lambda: ask(system, "/live-candle")["candle"], what="a live candle")
    for path in (*OF_A_SERIES, "/markets", "/exchange/markets", "/settings"):
        query = {"symbol": "BTCUSDT", "interval": "1s"} if path in OF_A_SERIES else {}
        answer = browser.get(f"{system.url}{path}", params=query, timeout=20)
        assert answer.status_code == 200, (path, answer.text)
    stranger = requests.Session()
    wrong = {"username": "demo", "password": "not it", "csrf_token": csrf(system, stranger)}
    assert stranger.post(f"{system.url}/login", wrong, timeout=20).status_code == 401
    headers = {"X-CSRFToken": page_token(system, browser)}
    wished = {"symbol": "BTCUSDT", "interval": "1m", "from": 0}
    asked = browser.post(f"{system.url}/history", json=wished, headers=headers, timeout=20)
    assert asked.status_code == 202, asked.text
    wait_for(
        lambda: ask(system, "/history", interval="1m")["limit"]["stored"] > 200, what="history"
    )
    saved = {"settings": {"theme": "dark"}}
    answer = browser.put(f"{system.url}/settings", json=saved, headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text
    for number in range(2):
        drawn = {"drawings": [{**DRAWING, "id": f"{number}"}], "version": number}
        answer = browser.put(
            f"{system.url}/drawings/BTCUSDT", json=drawn, headers=headers, timeout=20
        )
        assert answer.status_code == 200, answer.text
    assert browser.get(f"{system.url}/layouts", timeout=20).json() == {"layouts": []}
    answer = browser.delete(f"{system.url}/layouts/none", headers=headers, timeout=20)
    assert answer.status_code == 404, answer.text
    answer = browser.delete(f"{system.url}/markets/ETHUSDT", headers=headers, timeout=20)
    assert answer.status_code == 204, answer.text
    answer = browser.post(
        f"{system.url}/markets", json={"symbol": "ETHUSDT"}, headers=headers, timeout=20
    )
    assert answer.status_code == 201, answer.text
    wait_for(lambda: is_taken_note_of(system, browser, headers), what="a candle that forms")
    with clients() as made:
        client = Client()
        made.append(client)
        client.connect(system, system.token())
        client.follow("BTCUSDT", "1s")
        for event in ("live_candle", "data_updated", "live_price"):
            client.wait_heard(event)
    with closing(Program(system, "/ws/btcusdt@aggTrade", system.token())) as program:
        assert [one["e"] for one in program.events(3)] == 3 * ["aggTrade"]
    query = {"symbol": "BTCUSDT", "startTime": "0"}
    answer = browser.get(f"{system.url}/api/v3/aggTrades", params=query, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (400, -1130), answer.text
    for role in ("feed", "fetcher", "web"):
        system.kill(role)
        system.start(role)
    system.ready()
    for words in (["user", "list"], ["token", "list"]):
        check(words, "\n".join(system.flask(*words)))
    shell = Shell(read_settings(system.env_of("admin")))
    for words in commands(folder):
        done = shell.run(*words)
        check(words, done.output)
        assert isinstance(done.exception, SystemExit | None), (words, done.exception)


def is_taken_note_of(system: System, browser: requests.Session, headers: dict[str, str]) -> bool:
    """Whether the forming candle could be posted before it closed."""
    forming = ask(system, "/live-candle", interval="1m")["candle"]
    if forming is None:
        return False
    offered = {name: forming[name] for name in ("time", "open", "high", "low", "close", "volume")}
    posted = {"symbol": "BTCUSDT", "interval": "1m", "candle": offered}
    answer = browser.post(
        f"{system.url}/save-live-candle", json=posted, headers=headers, timeout=20
    )
    assert answer.status_code in (200, 409), answer.text
    return answer.status_code == 200


def check(words: list[str], said: str) -> None:
    for refusal in ("NOPERM", "permission", "does not let the user", "Traceback"):
        assert refusal not in said, (words, said)


OF_A_SERIES = ("/gaps", "/corrections", "/audit")


def commands(folder: Path) -> list[list[str]]:
    """Each command of `flask` that works with candles."""
    series = ["BTCUSDT", "1m"]
    return [
        *(["doctor"], ["doctor", "--repair"], ["audit"], ["audit", *series]),
        ["backup", str(folder / "kept")],
        ["restore", "--replace", str(folder / "kept")],
        ["export", *series, "--into", str(folder / "out")],
        ["import", str(folder / "out")],
        *(["verify", *series, "--from", "2h"], ["backfill", *series, "--from", "1d"]),
    ]


def page_token(system: System, browser: requests.Session) -> str:
    """The CSRF token of the page that is shown to who is signed in."""
    page = browser.get(f"{system.url}/", timeout=20).text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("user", USERS)
def test_no_user_may_empty_the_store_configure_the_server_or_look_at_others(
    user: str, served: UsersServer
) -> None:
    with redis_py.Redis.from_url(served.url(user)) as client:
        assert client.ping()
        for command in FORBIDDEN:
            if command == "GET other" and user == "admin":
                continue  # it reads whatever lies in the database, to tell what is ours
            with pytest.raises(redis_py.exceptions.NoPermissionError):
                client.execute_command(*command.split())


def test_the_public_side_may_not_write_candles_and_the_feed_sees_no_accounts(
    served: UsersServer,
) -> None:
    refusals = {
        "web": (("zadd", "klines_z:BTCUSDT:1m", 1, "x"), ("set", "klines_meta:BTCUSDT:1m", "x")),
        "feed": (("zadd", "klines_z:BTCUSDT:1m", 1, "x"), ("hgetall", "user:ann")),
        "fetcher": (("hgetall", "user:ann"), ("hset", "token:x", "a", "b"), ("hgetall", "users")),
        "mirror": (("del", "klines_z:BTCUSDT:1m"), ("hgetall", "user:ann"), ("set", "roles", "x")),
    }
    for user, commands in refusals.items():
        with redis_py.Redis.from_url(served.url(user)) as client:
            for command in commands:
                with pytest.raises(redis_py.exceptions.NoPermissionError):
                    client.execute_command(*command)


def test_without_a_password_the_server_answers_ping_alone(served: UsersServer) -> None:
    with served.server.client() as stranger:
        assert stranger.ping()
        with pytest.raises(redis_py.exceptions.NoPermissionError):
            stranger.get("users")


def test_the_fetcher_seals_commands_mend_and_everybody_reads_what_is_sealed(
    served: UsersServer, tmp_path: Path
) -> None:
    with served.owner() as owner:
        owner.flushdb()  # a fetcher's fence stands in the way of a writer without one
    refused(served)
    with ExitStack() as stack:
        web, fetcher, feed, admin, reader = (
            stack.enter_context(connect(served.url(user))) for user in USERS
        )
        official.upsert_klines(fetcher, HOURS, rows(2_300), now_ms=after(2_300), settle_ms=0)
        while sealing.step(fetcher, HOURS, 100, 0) == "done":
            pass
        official.upsert_klines(fetcher, HOURS, [row(3, "8.4")], now_ms=after(2_300), settle_ms=0)
        for client in (web, fetcher, feed, admin, reader):
            page = pages.read(client, HOURS, pages.Query(pages.PAGE_CANDLES_MAX))
            assert len(page.members) == 2_300
        assert mirror(reader, tmp_path).rows == 2_300
        assert list(block_inspection.faults(admin, HOURS)) == []
        official.upsert_klines(admin, HOURS, [], now_ms=after(2_300), settle_ms=0)
        while sealing.step(fetcher, HOURS, 0, 0) == "done":
            pass
    assert refused(served) == []
    with served.owner() as owner:
        assert owner.zcard(keys.klines(HOURS)) == 2_300

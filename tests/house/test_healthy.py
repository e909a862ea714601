"""The containers' health check tells a role that works from one that does not.

Never here: the roles themselves.
Invariant: exit code 0 means alive, anything else comes with a reason.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys

import pytest
import redis as redis_py

from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.role_processes import Roles
from tests.support.signs_of_life import spoke
from tools import healthy
from truecandle.store.roles import heartbeat

#: As the roles name themselves.
HERE = f"{socket.gethostname()}:7:cafe"
SERVES = (
    "import http.server as h, sys\n"
    "class Ok(h.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200 if self.path == '/healthz' else 404); self.end_headers()\n"
    "server = h.HTTPServer(('127.0.0.1', int(sys.argv[1])), Ok)\n"
    "print('serving', flush=True); server.serve_forever()"
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)


def is_told_to_be_silent(role: str) -> bool:
    """Whether it is said to have been silent for more than the minute that is allowed."""
    found = re.fullmatch(rf"{role}: last sign of life (\d+) s ago", str(healthy.main(role)))
    return found is not None and int(found[1]) * 1000 >= healthy.SILENCE_MS_MAX


def test_a_role_that_beats_is_healthy(redis: redis_py.Redis) -> None:
    heartbeat(redis, "fetcher", {}, HERE)
    assert healthy.main("fetcher") == 0


def test_a_role_that_fell_silent_is_not(redis: redis_py.Redis) -> None:
    spoke(redis, f"feed@{HERE}", healthy.SILENCE_MS_MAX + 5_500)
    assert is_told_to_be_silent("feed")


def test_a_role_that_never_spoke_is_not() -> None:
    assert healthy.main("feed") == f"feed: no sign of life on {socket.gethostname()} yet"


@pytest.mark.parametrize("role", ["fetcher", "feed"])
def test_a_hung_one_of_two_is_not_healthy_by_the_others_sign_of_life(
    redis: redis_py.Redis, role: str
) -> None:
    spoke(redis, f"{role}@{HERE}", healthy.SILENCE_MS_MAX + 5_500)
    heartbeat(redis, role, {}, "another-host:9:beef")
    assert is_told_to_be_silent(role)


def test_a_fetcher_that_stands_by_is_healthy(redis: redis_py.Redis) -> None:
    heartbeat(redis, "standby", {}, HERE)
    heartbeat(redis, "fetcher", {}, "another-host:9:beef")
    assert healthy.main("fetcher") == 0


def test_without_redis_no_role_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert str(healthy.main("fetcher")).startswith("fetcher: ")


def test_the_web_role_is_healthy_when_it_answers(
    processes: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    assert str(healthy.main("web")).startswith("web: ")
    processes.start("web", ["-c", SERVES, str(port)]).wait_for_line("serving")
    assert healthy.main("web") == 0
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):  # nobody listens there
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert healthy.main("web") == 0
    monkeypatch.setenv("HOST", "::1")
    assert str(healthy.main("web")).startswith("web: ")


def test_a_role_that_is_none_or_missing_is_answered_with_those_that_there_are() -> None:
    for given in ([], ["fether"]):
        done = subprocess.run(
            [sys.executable, "-m", "tools.healthy", *given],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2 and "{web,fetcher,feed}" in done.stderr
        assert "Traceback" not in done.stderr

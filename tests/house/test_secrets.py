"""Wrong settings in the real processes: said in a sentence each, without a secret or a traceback.

Never here: which URLs are refused (`tests/test_urls.py`).
Invariant: of a secret, in any spelling, no six characters in a row are printed by anybody.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest

from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.shown_secrets import QUOTED, SECRET, shows

LIMIT_S = 60

ROLES = (["app.py"], ["background_fetcher.py"], ["live_candles.py"])
DOCTOR = ["-m", "flask", "doctor"]
TOOLS = (["-m", "tools.start", "run"], ["-m", "tools.healthy", "web"])
EVERYBODY = [*ROLES, DOCTOR, *TOOLS]
COMMANDS = [
    command.split()
    for command in (
        "user list",
        "user add ann --password-stdin",
        "token list",
        "doctor",
        "doctor --repair --json",
        "audit",
        "backfill BTCUSDT 1h --days 1",
        "export BTCUSDT 1h --to x.csv",
        "import x.csv",
        "verify BTCUSDT 1h",
        "config",
        "routes",
        "run --port 0",
        "--help",
        "no-such-command",
    )
]
#: Commands of `flask` one after the other, each in its environment as if it were alone; but Python
#: starts once.
ONE_BY_ONE = """
import io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch
from flask.cli import cli

for words, env in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), patch.dict(os.environ, env):
        try:
            code = cli.main(words, prog_name="flask")
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""

#: Settings that are wrong, and hold the secret.
WRONG = {
    "REDIS_URL": f"redis://:{SECRET}:6379/0",
    "BINANCE_REST_URL": f"https://ann:{QUOTED}@api.example",
    "BINANCE_WS_URL": f"wss://ann:{SECRET}.example",
    "BINANCE_ARCHIVE_URL": f"https://api.example?key={QUOTED}",
    "PUBLIC_URL": f"https://ann:{SECRET}.example",
    "SECRET_KEY": SECRET,
}
#: That is weak beyond loopback only.
HOST = {"HOST": "0.0.0.0"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def run(
    command: list[str], folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    given = {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(folder / "var"),
        "PORT": str(free_port()),
        "REDIS_PORT": str(free_port()),
        **env,
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=given, input="a long password\n",
        capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def run_commands(commands: list[tuple[list[str], dict[str, str]]], folder: Path) -> list[Said]:
    """Commands of `flask`, each with its environment."""
    done = run(["-c", ONE_BY_ONE, json.dumps(commands)], folder, {})
    assert (done.returncode, done.stderr) == (0, "")
    found = [Said(*json.loads(line)) for line in done.stdout.splitlines()]
    assert len(found) == len(commands)
    return found


def name(command: list[str]) -> str:
    return " ".join(command)


@pytest.mark.parametrize("command", EVERYBODY, ids=name)
def test_everybody_says_every_wrong_setting_in_one_sentence(
    command: list[str], folder: Path
) -> None:
    done = run(command, folder, WRONG | HOST | {"INTERVALS": "7m"})
    check_all_are_said(Said(done.returncode, done.stdout, done.stderr))


def test_every_command_of_flask_says_every_wrong_setting_in_one_sentence(folder: Path) -> None:
    env = WRONG | HOST | {"INTERVALS": "7m"}
    for said in run_commands([(words, env) for words in COMMANDS], folder):
        check_all_are_said(said)


def check_all_are_said(said: Said) -> None:
    assert said.code != 0
    assert "Traceback" not in said.out + said.err
    assert shows(said.out + said.err) == []
    lines = said.err.splitlines()
    for setting in (*WRONG, "INTERVALS"):
        (line,) = [line for line in lines if f"{setting}=" in line]
        assert "allowed" in line
    assert len(lines) == len(WRONG) + 1


def test_the_demo_says_what_is_wrong_before_anything_starts(folder: Path) -> None:
    done = run(["-m", "tools.start", "demo"], folder, WRONG | HOST | {"INTERVALS": "7m"})
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said and shows(said) == []
    names = [line.partition("=")[0] for line in done.stderr.splitlines()]
    assert names == ["BINANCE_ARCHIVE_URL", "INTERVALS", "SECRET_KEY"]


def test_a_wrong_setting_alone_is_one_line(folder: Path) -> None:
    runs = [(["doctor"], HOST | {setting: value}) for setting, value in WRONG.items()]
    for setting, said in zip(WRONG, run_commands(runs, folder), strict=True):
        assert (said.code, said.out) == (2, "")
        assert len(said.err.splitlines()) == 1 and said.err.startswith(f"{setting}=(not shown): ")


OTHERS = {
    "HOST": ("a..b", "-x", "::1%lo", "no host", "192.0.2.1"),
    "PORT": ("0", "9" * 5_000, "５０００", "5000.0"),
    "ASYNC_MODE": ("gevents",),
    "SYMBOLS": (",", "btc", "\udcff"),
    "HISTORY_CANDLES": ("-1",),
}


#: Environments: of each setting another value in each; a folder is only tried if all else is right.
STARTS = [
    *(
        {name: value for name, value in zip(OTHERS, values, strict=True) if value is not None}
        for values in zip_longest(*OTHERS.values())
    ),
    *({"VAR_DIR": folder} for folder in ("/dev/null/x", "/proc/x")),
]


@pytest.mark.parametrize("wrong", STARTS)
def test_any_other_wrong_setting_is_named_without_a_traceback(
    wrong: dict[str, str], folder: Path
) -> None:
    done = run(["app.py"], folder, wrong)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert sorted(line.partition("=")[0] for line in lines) == sorted(wrong)
    assert all(len(line) < 300 for line in lines)


def test_a_way_to_serve_that_is_not_installed_is_said(folder: Path) -> None:
    hidden = "import runpy, sys; sys.modules['gevent'] = None; "
    code = hidden + "runpy.run_path('app.py', {}, '__main__')"
    done = run(["-c", code], folder, {"ASYNC_MODE": "gevent"})
    assert done.returncode == 2
    assert done.stderr.startswith("ASYNC_MODE='gevent': ") and "Traceback" not in done.stderr


def test_a_file_for_the_secret_key_that_holds_none_is_said(folder: Path) -> None:
    (folder / "var").mkdir()
    (folder / "var" / "secret_key").write_bytes(b"\xff")
    done = run(["app.py"], folder, {})
    assert done.returncode == 2
    assert done.stderr.startswith("VAR_DIR=") and "Traceback" not in done.stderr


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProc]:
    """It wants a password, and has two databases."""
    options = ("--requirepass", "another password", "--databases", "2")
    (tmp_path / "redis").mkdir()
    made = RedisProc(tmp_path / "redis", extra=options)
    made.answers = lambda: True  # type: ignore[method-assign]
    with made:
        yield made


class Echo:
    """A server of another kind, which answers with what it was sent."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            # Who has waited too long may be gone.
            with connection, suppress(ConnectionError):
                words = connection.recv(4096).replace(b"\r\n", b" ")
                connection.sendall(b"-ERR unknown command, with args beginning with: ")
                connection.sendall(words + b"\r\n")


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


def check_connecting(url: str, folder: Path) -> None:
    env = {"REDIS_URL": url, "BINANCE_REST_URL": "http://127.0.0.1:1"}
    for said in run_commands([(["user", "list"], env), (["doctor"], env)], folder):
        assert said.code == 1
        assert "Traceback" not in said.out + said.err
        assert "REDIS_URL" in said.err and len(said.err.splitlines()) == 1
        assert shows(said.out + said.err) == []


def check_roles(url: str, folder: Path, processes: Roles) -> None:
    """Roles say it and go on trying: a server can be mended while they run."""
    env = {"REDIS_URL": url, "PORT": str(free_port()), "VAR_DIR": str(folder / "var")}
    env |= {"BINANCE_REST_URL": "http://127.0.0.1:1", "BINANCE_WS_URL": "ws://127.0.0.1:1"}
    for command in ROLES:
        role = processes.start(command[0], command, env)
        role.wait_for_line("REDIS_URL")
        assert role.end() == 0
        assert shows(role.output) == [] and "Traceback" not in role.output


def test_a_password_that_the_server_refuses_is_said_by_the_settings_name(
    server: RedisProc, folder: Path, processes: Roles
) -> None:
    for login in (f":{QUOTED}@", f"ann:{QUOTED}@", ""):
        url = f"redis://{login}127.0.0.1:{server.port}/0"
        check_connecting(url, folder)
    check_roles(f"redis://:{QUOTED}@127.0.0.1:{server.port}/0", folder, processes)


def test_a_host_or_a_database_that_is_not_there_is_said_by_the_settings_name(
    server: RedisProc, folder: Path
) -> None:
    password = quote("another password")
    check_connecting(f"redis://:{QUOTED}@no-such-host.invalid/0", folder)
    check_connecting(f"redis://:{QUOTED}@127.0.0.1:{free_port()}/0", folder)
    check_connecting(f"redis://:{password}@127.0.0.1:{server.port}/2", folder)


def test_a_server_that_quotes_the_password_does_not_get_it_printed(
    echo: Echo, folder: Path, processes: Roles
) -> None:
    url = f"redis://ann:{QUOTED}@127.0.0.1:{echo.port}/0"
    check_connecting(url, folder)
    check_roles(url, folder, processes)


#: The first two are refused at the start; the others can be used, and lead nowhere.
PROXIES = (
    f"socks9://ann:{QUOTED}@127.0.0.1:1",
    f"http://[{SECRET}",
    f"http://ann:{QUOTED}@no-such-host.invalid:8080",
    f"ann:{QUOTED}@127.0.0.1:1",
)


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_of_the_environment_is_not_shown(
    proxy: str, folder: Path, processes: Roles, redis_url: str
) -> None:
    env = {
        "REDIS_URL": redis_url,
        "BINANCE_REST_URL": "https://api.invalid",
        "BINANCE_WS_URL": "wss://stream.invalid",
        **{variable: proxy for variable in ("http_proxy", "https_proxy", "HTTPS_PROXY")},
        **{variable: "" for variable in ("no_proxy", "NO_PROXY")},
    }
    feed = processes.start("feed", ["live_candles.py"], env)
    fetcher = processes.start("fetcher", ["background_fetcher.py"], env)
    said_so = "proxy.*not shown" if proxy in PROXIES[:2] else "through the proxy"
    feed.wait_for_line(said_so)
    fetcher.wait_for_line(said_so)
    done = run(DOCTOR, folder, env)
    assert done.returncode == (2 if proxy in PROXIES[:2] else 1)
    said = done.stdout + done.stderr + feed.output + fetcher.output
    assert "Traceback" not in said
    assert shows(said) == []

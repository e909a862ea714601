"""`flask user` and `flask token`, as an operator types them.

Never here: the accounts' own rules.
Invariant: what is asked for comes out; what is wrong is one line and a status other than 0.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import Result
from flask import Flask
from redis import Redis

from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.web_app import PASSWORD, Browser
from truecandle.store.accounts import Accounts
from truecandle.web import passwords


def run(app: Flask, command: str, typed: str = "") -> Result:
    return app.test_cli_runner().invoke(args=command.split(), input=typed)


def test_an_added_user_can_sign_in(app: Flask, redis: Redis) -> None:
    result = run(app, "user add ann", f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    assert Browser(app).sign_in("ann", PASSWORD).status_code == 303
    assert run(app, "user list").stdout.startswith("ann\tadmin\tpassword\tsince ")


def test_a_script_hands_the_password_in_on_stdin(app: Flask, redis: Redis) -> None:
    assert run(app, "user add ann --password-stdin", f"{PASSWORD}\n").exit_code == 0
    account = Accounts(redis).get("ann")
    assert account and passwords.verify(PASSWORD, account.password)
    assert run(app, "user password ann --password-stdin", "another fine one\n").exit_code == 0
    account = Accounts(redis).get("ann")
    assert account and passwords.verify("another fine one", account.password)


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("user add ann --password-stdin", "short\n"),
        ("user add ann --password-stdin", "password123\n"),
        ("user add ann --password-stdin", "\n"),
        ("user add ann --password-stdin", "aaaaaaaaaa\n"),
        ("user add ann --password-stdin", "x" * 1025 + "\n"),
        ("user add -- -ann --password-stdin", PASSWORD),
        ("user add an:n --password-stdin", PASSWORD),
        ("user add " + "a" * 65 + " --password-stdin", PASSWORD),
        ("user remove bob", ""),
        ("user password bob --password-stdin", PASSWORD),
        ("token add bob", ""),
        ("token revoke 0123456789ab", ""),
        ("token add ann --scope admin", ""),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    app: Flask, redis: Redis, command: str, typed: str
) -> None:
    result = run(app, command, typed)
    assert result.exit_code != 0
    assert "Traceback" not in result.output and result.output.strip()
    assert Accounts(redis).all() == []


def test_a_name_is_taken_once(app: Flask, redis: Redis) -> None:
    assert run(app, "user add ann --password-stdin", PASSWORD).exit_code == 0
    assert run(app, "user add ann --password-stdin", PASSWORD).exit_code != 0


def test_a_token_stands_alone_on_the_last_line_and_is_listed_without_its_secret(
    app: Flask, redis: Redis
) -> None:
    run(app, "user add ann --password-stdin", PASSWORD)
    result = run(app, "token add ann --label backtest --scope write")
    secret = result.stdout.splitlines()[-1]
    header = {"Authorization": f"Bearer {secret}"}
    client = app.test_client()
    assert client.get("/data?symbol=BTCUSDT&interval=1h", headers=header).status_code == 200
    listed = run(app, "token list").stdout
    token_id, user, scope, since, label = listed.strip().split("\t")
    assert (user, scope, label) == ("ann", "write", "backtest") and since.startswith("since 20")
    assert secret not in listed
    assert run(app, f"token revoke {token_id}").exit_code == 0
    assert client.get("/data?symbol=BTCUSDT&interval=1h", headers=header).status_code == 401


def test_the_flask_command_works_from_the_projects_root(redis_url: str, redis: Redis) -> None:
    def flask(*args: str, url: str = redis_url) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "flask", *args],
            cwd=ROOT, env={"REDIS_URL": url, "PATH": "/usr/bin:/bin"}, input=PASSWORD,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    assert flask("user", "add", "ann", "--password-stdin").stdout == "User ann added (admin).\n"
    away = flask("user", "list", url=f"redis://127.0.0.1:{free_port()}/0")
    assert away.returncode == 1
    assert "Redis is away" in away.stderr and "Traceback" not in away.stderr

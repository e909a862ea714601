"""`flask user`, `flask session` and `flask token`, as an operator types them.

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
from truecandle.store.second_factors import SecondFactors
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


def test_a_user_gets_a_role_and_another_one(app: Flask, redis: Redis) -> None:
    assert "(admin)" in run(app, "user add ann --password-stdin", PASSWORD).stdout
    assert "(trader)" in run(app, "user add bob --password-stdin", PASSWORD).stdout
    assert "(viewer)" in run(app, "user add eve --role viewer --password-stdin", PASSWORD).stdout
    assert run(app, "user role eve trader").stdout == "User eve is trader now.\n"
    roles = [line.split("\t")[1] for line in run(app, "user list").stdout.splitlines()]
    assert roles == ["admin", "trader", "trader"]
    for command in ("user role nobody viewer", "user role eve emperor", "user role eve"):
        result = run(app, command)
        assert result.exit_code != 0 and "Traceback" not in result.output


def test_a_link_stands_alone_on_the_last_line_and_signs_in_once(app: Flask, redis: Redis) -> None:
    run(app, "user add ann --password-stdin", PASSWORD)
    address = run(app, "user link ann").stdout.splitlines()[-1]
    start, secret = address.split("/login#link=")
    assert start == "http://127.0.0.1:5000"
    assert Browser(app).post("/login/link", {"link": secret}).status_code == 200
    assert Browser(app).post("/login/link", {"link": secret}).status_code == 401
    assert run(app, "user link nobody").exit_code != 0


def test_a_new_password_says_what_it_has_ended(app: Flask, redis: Redis) -> None:
    run(app, "user add ann --password-stdin", PASSWORD)
    run(app, "token add ann")
    Browser(app).sign_in("ann", PASSWORD)
    told = run(app, "user password ann --password-stdin", f"{PASSWORD} 2").stdout
    assert "Sessions ended: 1. API tokens still valid: 1 (--tokens ends them)." in told
    told = run(app, "user password ann --password-stdin --keep-tokens", f"{PASSWORD} 3").stdout
    assert "Sessions ended: 0. API tokens still valid: 1" in told
    asked = run(app, "user password ann", f"{PASSWORD} 4\n{PASSWORD} 4\nn\n").stdout
    assert "End the API tokens of ann too (1)?" in asked and "still valid: 1" in asked
    told = run(app, "user password ann --password-stdin --tokens", f"{PASSWORD} 5").stdout
    assert "API tokens ended: 1." in told
    assert run(app, "token list").stdout == ""


def test_sessions_are_listed_and_ended(app: Flask, redis: Redis) -> None:
    run(app, "user add ann --password-stdin", PASSWORD)
    browsers = [Browser(app) for _ in range(3)]
    for browser in browsers:
        browser.client.environ_base["HTTP_USER_AGENT"] = "Lynx"
        browser.sign_in("ann", PASSWORD)
    listed = [line.split("\t") for line in run(app, "session list").stdout.splitlines()]
    assert [row[1:2] + row[3:] for row in listed] == [["ann", "127.0.0.1", "Lynx"]] * 3
    assert run(app, "session list bob").stdout == ""
    assert run(app, f"session end {listed[0][0]}").exit_code == 0
    assert run(app, f"session end {listed[0][0]}").exit_code != 0
    codes = sorted(one.get("/account").status_code for one in browsers)
    assert codes == [200, 200, 303]
    assert run(app, "session end --user ann").stdout == "Sessions of ann ended: 2.\n"
    assert {one.get("/account").status_code for one in browsers} == {303}
    for command in ("session end", "session end --user bob", "session end 000000000000 --user ann"):
        assert run(app, command).exit_code != 0


def test_a_lost_phone_costs_one_command(app: Flask, redis: Redis) -> None:
    run(app, "user add ann --password-stdin", PASSWORD)
    factors = SecondFactors(redis)
    factors.confirm("ann", factors.draft("ann") or "")
    assert "second factor" in run(app, "user list").stdout
    assert Browser(app).sign_in("ann", PASSWORD).headers["Location"].startswith("/login/code")
    assert run(app, "user 2fa off ann").exit_code == 0
    assert Browser(app).sign_in("ann", PASSWORD).headers["Location"] == "/"
    assert run(app, "user 2fa off ann").exit_code != 0
    assert run(app, "user 2fa off nobody").exit_code != 0

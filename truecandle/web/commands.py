"""`flask user` and `flask token`: accounts, from the command line.

Never here: HTTP; passwords or tokens as command-line arguments (others can read those).
Invariant: what is asked for is said in one line; the token alone stands on stdout's last line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import click
from flask import Flask
from flask.cli import AppGroup

from truecandle.errors import StoreError
from truecandle.store.accounts import Accounts, is_name
from truecandle.store.credentials import LABEL_CHARS_MAX, Scope
from truecandle.web import passwords
from truecandle.web.services import services

Command = TypeVar("Command", bound=Callable[..., Any])

user = AppGroup("user", help="Who may sign in.")
token = AppGroup("token", help="API tokens for scripts.")


def init_app(app: Flask) -> None:
    app.cli.add_command(user)
    app.cli.add_command(token)


def reported(command: Command) -> Command:
    """A Redis that is away is one line, not a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except StoreError as error:
            raise click.ClickException(str(error)) from None

    return run  # type: ignore[return-value]


_password_option = click.option(
    "--password-stdin", "from_stdin", is_flag=True, help="Read the password from standard input."
)


@user.command("add")
@click.argument("name")
@_password_option
@reported
def user_add(name: str, from_stdin: bool) -> None:
    """Add a user; the password is asked for."""
    if not is_name(name):
        allowed = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        raise click.ClickException(f"name is {name!r}; allowed: {allowed}")
    if _accounts().get(name):
        raise click.ClickException(f"There is a user {name} already.")
    password = passwords.hashed(_password(name, from_stdin))
    if not _accounts().add(name, password, _now_ms()):
        raise click.ClickException(f"User {name} could not be added.")
    click.echo(f"User {name} added.")


@user.command("list")
@reported
def user_list() -> None:
    """List the users."""
    for account in _accounts().all():
        door = "password" if account.password else "link only"
        click.echo(f"{account.name}\t{door}\tsince {_day(account.created_ms)}")


@user.command("remove")
@click.argument("name")
@reported
def user_remove(name: str) -> None:
    """Remove a user; sessions and tokens end at once."""
    if not _accounts().remove(name):
        raise click.ClickException(f"There is no user {name}.")
    click.echo(f"User {name} removed; sessions and tokens have ended.")


@user.command("password")
@click.argument("name")
@_password_option
@reported
def user_password(name: str, from_stdin: bool) -> None:
    """Set a new password; all sessions of the user end."""
    if not _accounts().get(name):
        raise click.ClickException(f"There is no user {name}.")
    if not _accounts().set_password(name, passwords.hashed(_password(name, from_stdin))):
        raise click.ClickException(f"There is no user {name}.")
    click.echo(f"Password of {name} set; all sessions have ended.")


@token.command("add")
@click.argument("name")
@click.option("--label", default="", help="What the token is for.")
@click.option("--scope", type=click.Choice(["read", "write"]), default="read", show_default=True)
@reported
def token_add(name: str, label: str, scope: Scope) -> None:
    """Make a token for user NAME and print it: once, alone on the last line."""
    if len(label) > LABEL_CHARS_MAX or not label.isprintable():
        raise click.ClickException(f"allowed: a label of at most {LABEL_CHARS_MAX} characters")
    secret = services().credentials.issue(name, label, scope, _now_ms())
    if secret is None:
        raise click.ClickException(f"There is no user {name}, or it has too many tokens.")
    click.echo(f"Token of {name} ({scope}); it is shown only this once:", err=True)
    click.echo(secret)


@token.command("list")
@reported
def token_list() -> None:
    """List the tokens (not their secrets)."""
    for found in services().credentials.tokens():
        since = _day(found.created_ms)
        click.echo(f"{found.id}\t{found.user}\t{found.scope}\tsince {since}\t{found.label}")


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@reported
def token_revoke(token_id: str) -> None:
    """Revoke the token with this ID (see `flask token list`)."""
    if not services().credentials.revoke(token_id):
        raise click.ClickException(f"There is no token {token_id}.")
    click.echo(f"Token {token_id} revoked.")


def _password(name: str, from_stdin: bool) -> str:
    password: str
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if problem := passwords.weakness(password, name):
        raise click.ClickException(f"{problem[0].upper()}{problem[1:]}.")
    return password


def _accounts() -> Accounts:
    return services().accounts


def _now_ms() -> int:
    return int(time.time() * 1000)


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")

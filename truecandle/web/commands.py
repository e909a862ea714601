"""`flask user`, `flask session` and `flask token`: accounts, from the command line.

Never here: HTTP; passwords or tokens as command-line arguments (others can read those).
Invariant: what is asked for is said in one line; the token alone stands on stdout's last line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import click
from flask import Flask
from flask.cli import AppGroup

from truecandle.errors import StoreError
from truecandle.store.accounts import Accounts, is_name
from truecandle.store.credentials import LABEL_CHARS_MAX, CredentialStore, Scope
from truecandle.store.user_roles import USER_ROLES, UserRole
from truecandle.web import passwords
from truecandle.web.services import services
from truecandle.web.startup_message import address

Command = TypeVar("Command", bound=Callable[..., Any])

user = AppGroup("user", help="Who may sign in.")
session = AppGroup("session", help="Browsers that are signed in.")
token = AppGroup("token", help="API tokens for scripts.")
factor = AppGroup("2fa", help="The second factor of a user.")


def init_app(app: Flask) -> None:
    user.add_command(factor)
    app.cli.add_command(user)
    app.cli.add_command(session)
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
@click.option("--role", type=click.Choice(USER_ROLES), help="Unsaid: admin if first, else trader.")
@_password_option
@reported
def user_add(name: str, role: UserRole | None, from_stdin: bool) -> None:
    """Add a user; the password is asked for."""
    if not is_name(name):
        allowed = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        raise click.ClickException(f"name is {name!r}; allowed: {allowed}")
    if _accounts().get(name):
        raise click.ClickException(f"There is a user {name} already.")
    given = role or ("admin" if _accounts().is_empty() else "trader")
    password = passwords.hashed(_password(name, from_stdin))
    if not _accounts().add(name, password, _now_ms(), given):
        raise click.ClickException(f"User {name} could not be added.")
    click.echo(f"User {name} added ({given}).")


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(USER_ROLES))
@reported
def user_role(name: str, role: UserRole) -> None:
    """Give user NAME another ROLE, in force at once."""
    if not _accounts().set_role(name, role):
        raise _unknown(name)
    click.echo(f"User {name} is {role} now.")


@user.command("link")
@click.argument("name")
@reported
def user_link(name: str) -> None:
    """Print a one-time link that signs user NAME in, for an hour; alone on the last line."""
    if not _accounts().get(name):
        raise _unknown(name)
    click.echo(f"Signs {name} in once, within an hour:", err=True)
    click.echo(f"{address(services())}/login#link={_accounts().add_link(name)}")


@factor.command("off")
@click.argument("name")
@reported
def factor_off(name: str) -> None:
    """End the second factor of user NAME, whose phone is lost."""
    if not _accounts().get(name):
        raise _unknown(name)
    if not services().factors.remove(name):
        raise click.ClickException(f"User {name} has no second factor.")
    click.echo(f"Second factor of {name} ended; its recovery codes are void.")


@user.command("list")
@reported
def user_list() -> None:
    """List the users."""
    for account in _accounts().all():
        door = "password" if account.password else "link only"
        door += ", second factor" if account.factor else ""
        since = _day(account.created_ms)
        click.echo(f"{account.name}\t{account.role}\t{door}\tsince {since}")


@user.command("remove")
@click.argument("name")
@reported
def user_remove(name: str) -> None:
    """Remove a user; sessions and tokens end at once."""
    if not _accounts().remove(name):
        raise _unknown(name)
    click.echo(f"User {name} removed; sessions and tokens have ended.")


@user.command("password")
@click.argument("name")
@_password_option
@click.option("--tokens/--keep-tokens", "ends_tokens", default=None, help="End API tokens too?")
@reported
def user_password(name: str, from_stdin: bool, ends_tokens: bool | None) -> None:
    """Set a new password; all sessions of the user end, and the API tokens if that is wished."""
    if not _accounts().get(name):
        raise _unknown(name)
    hashed = passwords.hashed(_password(name, from_stdin))
    tokens = [found for found in _credentials().tokens() if found.user == name]
    if tokens and ends_tokens is None and not from_stdin:
        ends_tokens = click.confirm(f"End the API tokens of {name} too ({len(tokens)})?")
    sessions = len(_credentials().sessions(name, _now_ms()))
    if not _accounts().set_password(name, hashed):
        raise _unknown(name)
    if ends_tokens:
        told = f"API tokens ended: {_credentials().end_tokens(name)}"
    else:
        told = f"API tokens still valid: {len(tokens)}"
        told += " (--tokens ends them)" if tokens else ""
    click.echo(f"Password of {name} set. Sessions ended: {sessions}. {told}.")


@session.command("list")
@click.argument("name", required=False)
@reported
def session_list(name: str | None) -> None:
    """List the signed-in browsers, of all users or of NAME."""
    for account in _accounts().all():
        if name in (None, account.name):
            for found in _credentials().sessions(account.name, _now_ms()):
                told = (found.id, found.user, f"since {_moment(found.created_ms)}")
                click.echo("\t".join((*told, found.address, found.browser)))


@session.command("end")
@click.argument("session_id", metavar="ID", required=False)
@click.option("--user", "name", help="All sessions of this user.")
@reported
def session_end(session_id: str | None, name: str | None) -> None:
    """End the session with this ID (see `flask session list`), or all of a user."""
    if (session_id is None) == (name is None):
        raise click.ClickException("allowed: either an ID or --user NAME")
    if name is not None:
        if not _accounts().get(name):
            raise _unknown(name)
        ended = _credentials().end_sessions(name, _now_ms())
        click.echo(f"Sessions of {name} ended: {ended}.")
        return
    owners = [account.name for account in _accounts().all()]
    if not any(_credentials().end_session(session_id or "", owner) for owner in owners):
        raise click.ClickException(f"There is no session {session_id}.")
    click.echo(f"Session {session_id} ended.")


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


def _unknown(name: str) -> click.ClickException:
    return click.ClickException(f"There is no user {name}.")


def _accounts() -> Accounts:
    return services().accounts


def _credentials() -> CredentialStore:
    return services().credentials


def _now_ms() -> int:
    return services().clock.machine_ms()


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")

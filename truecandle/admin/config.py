"""`flask config`: every setting as it stands, where it comes from, and what is wrong with it.

It is there with wrong settings too, when every other command only says what is wrong.

Never here: what a setting means (`truecandle/config`), Redis.
Invariant: no secret is shown, and the exit code is 0 if and only if nothing is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

import click
from dotenv import dotenv_values, find_dotenv

from truecandle.config import WRONG_SETTINGS, Setting, list_settings, refuse_settings
from truecandle.errors import SettingsError


class HasCommands(Protocol):
    """What Flask's application is here."""

    cli: click.Group


App = TypeVar("App", bound=HasCommands)

#: Read from the folder in which the command is typed, or from one above it.
ENV_FILE: Final = ".env"
#: What `make run` and `make demo` read beside the settings, and what is Flask's own.
NEIGHBOURS: Final = frozenset({"REDIS_PORT", "SIM_PORT", "FLASK_APP", "FLASK_DEBUG"})


class OnlyConfig(click.Group):
    """The commands where settings are wrong: `config` shows them, all others say what is wrong."""

    def __init__(self, environ: Mapping[str, str], error: SettingsError) -> None:
        super().__init__(commands=[config_command(environ)])
        self._error = error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        return super().get_command(ctx, cmd_name) or refuse_settings(self._error)

    def list_commands(self, ctx: click.Context) -> list[str]:
        refuse_settings(self._error)


def only_config(app: App, environ: Mapping[str, str], error: SettingsError) -> App:
    """An application of Flask for the `flask` command, with no other command; where one of Flask's
    own is running already, and wants the application for itself, the process ends."""
    context = click.get_current_context(silent=True)
    if context is None or not isinstance(context.command, click.Group):
        refuse_settings(error)
    app.cli = OnlyConfig(environ, error)
    return app


def config_command(environ: Mapping[str, str]) -> click.Command:
    """The command, for the settings of this environment."""

    @click.command("config")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def config(as_json: bool) -> None:
        """Show every setting, where its value comes from, and what is wrong with it.

        Secrets are left out. Exits with 2 if anything is wrong, else with 0.
        """
        found, in_file = list_settings(environ), _file_values()
        rows = [_Row(one.name, one.shown, _origin(one, in_file, environ)) for one in found]
        wrong = [one.problem for one in found if one.problem]
        known = {name for one in found for name in (one.name, f"{one.name}_FILE")}
        unknown = sorted(in_file.keys() - known - NEIGHBOURS)
        if as_json:
            fields = {"settings": [row._asdict() for row in rows], "wrong": wrong}
            click.echo(json.dumps({**fields, "unknown": unknown}, ensure_ascii=False))
        else:
            _write(rows)
            for problem in (
                *wrong,
                *(f"{ENV_FILE} has {one}, which is no setting." for one in unknown),
            ):
                click.echo(problem, err=True)
        sys.exit(WRONG_SETTINGS if wrong else 0)

    return config


class _Row(NamedTuple):
    name: str
    value: str
    origin: str


def _file_values() -> dict[str, str]:
    """What stands in the `.env` that the `flask` command has read."""
    path = find_dotenv(ENV_FILE, usecwd=True)
    return {name: value or "" for name, value in dotenv_values(path).items()} if path else {}


def _origin(one: Setting, in_file: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """In words. The environment goes before the file: a value that differs from the file's is its
    own."""
    if not one.source:
        return "default"
    place = ENV_FILE if in_file.get(one.source) == environ.get(one.source) else "environment"
    return place if one.source == one.name else f"file named by {one.source} ({place})"


def _write(rows: Sequence[_Row]) -> None:
    widths = [max(len(cell) for cell in column) for column in list(zip(*rows, strict=True))[:2]]
    for row in rows:
        value = row.value or "(empty)"
        click.echo(f"{row.name:{widths[0]}}  {value:{max(widths[1], 7)}}  {row.origin}")

"""The `flask` commands of operators, run in this process, and what they asked the exchange for.

Never here: assertions but that a command ended well.
Invariant: nothing between the command and the wire is replaced.
"""

from __future__ import annotations

from typing import Any

import click
from click.testing import CliRunner, Result

from truecandle import admin
from truecandle.config import Settings
from truecandle.sim.server import SimServer


class Shell:
    """Runs commands as an operator would."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def run(self, command: str, *more: str) -> Result:
        cli = click.Group("flask")
        admin.init_app(cli, self.settings, {})
        try:
            return CliRunner().invoke(cli, [*command.split(), *more])
        finally:
            # Here no process ends with the command, and its error would keep its connections.
            for one in cli.commands.values():
                if context := one.context_settings.get("obj"):
                    context.redis.close()

    def ok(self, command: str, *more: str) -> str:
        """What a command that succeeds says."""
        result = self.run(command, *more)
        assert result.exit_code == 0, result.output
        return result.output


def pages_asked(sim: SimServer) -> list[dict[str, Any]]:
    """The requests for pages of candles, not those for a single one."""
    asked: list[dict[str, Any]] = sim.requests()
    return [one for one in asked if "endTime" in one["params"]]

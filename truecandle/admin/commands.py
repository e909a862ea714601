"""Which commands there are, and how the `flask` command gets them.

Never here: what a command does.
Invariant: every command is given its `CommandContext` (`pass_context`), and nothing is connected
before it runs.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final

import click

from truecandle import store
from truecandle.admin.audit import audit
from truecandle.admin.backfill import backfill
from truecandle.admin.backup import backup, restore
from truecandle.admin.config import config_command
from truecandle.admin.context import CommandContext
from truecandle.admin.doctor import doctor
from truecandle.admin.export import export
from truecandle.admin.importer import intake
from truecandle.admin.mirror import mirror
from truecandle.admin.verify import verify
from truecandle.admin.webhooks import webhooks
from truecandle.config import Settings

#: Every command or group of this package.
COMMANDS: Final[tuple[click.Command, ...]] = (
    audit,
    backfill,
    backup,
    doctor,
    export,
    intake,
    mirror,
    restore,
    verify,
    webhooks,
)


def init_app(cli: click.Group, settings: Settings, environ: Mapping[str, str]) -> None:
    """Adds the commands to `flask`; each works with the Redis and the exchange of `settings`, which
    come from `environ`."""
    context = CommandContext(settings, store.connect(settings.redis_url))
    for command in COMMANDS:
        own = copy.copy(command)
        own.context_settings = {**command.context_settings, "obj": context}
        cli.add_command(own)
    cli.add_command(config_command(environ))

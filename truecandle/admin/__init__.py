"""Commands for operators that need parts of several roles: the `flask` command finds them here.

Never here: Flask, accounts (`web/commands`), what the running roles do by themselves.
Invariant: a command writes official candles through `ingest` alone, like the fetcher.
"""

from truecandle.admin.commands import init_app
from truecandle.admin.config import only_config
from truecandle.admin.context import CommandContext

__all__ = ["CommandContext", "init_app", "only_config"]

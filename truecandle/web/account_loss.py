"""Lost accounts: there were some, and there is none any more.

Never here: accounts themselves (`store/accounts`), bringing them back (`flask restore`).
Invariant: that there were accounts is remembered outside Redis, since that is where they get lost.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from redis import Redis

from truecandle.store.account_presence import has_accounts
from truecandle.store.server_state import ServerProblem

#: The empty file in `VAR_DIR` that says that there were accounts.
MARK: Final = "had_accounts"
LOST: Final = (
    "Nobody can sign in any more: there were accounts, and Redis holds none. Restore a backup"
    " (flask restore FILE) or add a user (flask user add NAME)."
)


class AccountLoss:
    """Notices that the last account is gone, also when that happened while no process ran."""

    def __init__(self, redis: Redis, var_dir: Path) -> None:
        self._redis = redis
        self._mark = var_dir / MARK
        #: There were accounts, as this process or one before it has seen.
        self._had_accounts = self._mark.exists()

    def problems(self) -> tuple[ServerProblem, ...]:
        """One while nobody can sign in any more; may raise `StoreError`."""
        if has_accounts(self._redis):
            self._remember()
            return ()
        return (ServerProblem("accounts_lost", LOST),) if self._had_accounts else ()

    def _remember(self) -> None:
        """A folder that cannot be written costs the memory of a restart, nothing else."""
        if not self._had_accounts:
            self._had_accounts = True
            with suppress(OSError):
                self._mark.parent.mkdir(parents=True, exist_ok=True)
                self._mark.touch(mode=0o600)

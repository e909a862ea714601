"""What the views work with, in one value: made by `create_app`, found through `services()`.

Never here: anything that is made for one request.
Invariant: nothing in the web role opens a connection or reads a setting except through here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from flask import current_app
from redis import Redis

from truecandle.config import Settings
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import CredentialStore
from truecandle.store.roles import Ages
from truecandle.store.second_factors import SecondFactors
from truecandle.store.server_monitor import ServerMonitor
from truecandle.store.versions import VersionReader
from truecandle.tracing.spans import Tracing
from truecandle.web.checked_readers import CheckedReaders
from truecandle.web.clock import Clocks
from truecandle.web.column_answers import ColumnAnswers
from truecandle.web.event_subscriber import Hearing
from truecandle.web.exchange_list import ExchangeMarkets
from truecandle.web.followed_markets import Markets
from truecandle.web.hashing_queue import HashingQueue
from truecandle.web.rate_limit import RateLimiter
from truecandle.web.read_quota import ReadCounter
from truecandle.web.read_turns import ReadTurns
from truecandle.web.server import WebServer
from truecandle.web.shared_address import SharedAddress

EXTENSION = "truecandle"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """The settings, what is connected to Redis, the way this process serves, and its traces, if
    there are any."""

    settings: Settings
    redis: Redis
    accounts: Accounts
    credentials: CredentialStore
    factors: SecondFactors
    clock: Clocks
    markets: Markets
    exchange: ExchangeMarkets
    rate_limiter: RateLimiter
    hashing: HashingQueue
    server: WebServer
    ages: Ages
    server_monitor: ServerMonitor
    shared_address: SharedAddress
    hearing: Hearing
    read_counter: ReadCounter
    read_turns: ReadTurns
    versions: VersionReader
    checked_readers: CheckedReaders
    column_answers: ColumnAnswers
    tracing: Tracing | None

    def hashing_of(self, work: Callable[..., T], *args: object) -> T:
        """Work on the password of somebody who is signed in, in turn; `Problem` 503 at too much."""
        with self.hashing.turn("known"):
            return self.server.in_thread(work, *args)


def services() -> Services:
    """The parts of the running application."""
    return cast(Services, current_app.extensions[EXTENSION])

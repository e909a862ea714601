"""What a command works with: settings, Redis, the exchange with retries, the official writer.

Never here: what a command does with it, Flask.
Invariant: a command takes no request weight that the fetcher may need for a candle that closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, NamedTuple, TypeVar

import click
from redis import Redis

from truecandle.admin.progress import Progress
from truecandle.admin.retry import RetryPolicy
from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rest.client import RestClient
from truecandle.candles.instrument import Instrument
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import TrueCandleError
from truecandle.events import Publisher
from truecandle.ingest.kline_pages import KlinePageReader
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.store import clock as shared
from truecandle.store import markets
from truecandle.store.budget import RESERVE, Budget
from truecandle.store.clock import SharedClock

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Made once by `init_app`; connects when it is used."""

    settings: Settings
    redis: Redis

    @contextmanager
    def session(self) -> Iterator[ExchangeSession]:
        """The exchange and the writer of official candles, with the exchange's clock measured."""
        clock = ExchangeClock()
        rest = RestClient(
            self.settings.binance_rest_url,
            Budget(self.redis),
            reserve=RESERVE,
            now_ms=clock.now_ms,
            route=self.settings.egress.route(self.settings.binance_rest_url),
        )
        try:
            clock.assume(shared.read(self.redis).exchange_ms)
            clock.measure(rest)
            yield ExchangeSession(rest, clock, self.writer(clock.now_ms))
        finally:
            rest.close()

    @contextmanager
    def run(self) -> Iterator[CommandRun]:
        """A session, with a progress bar, that waits where waiting helps."""
        with self.session() as session, Progress() as progress:
            retrying = RetryPolicy(progress.say)
            yield CommandRun(self.redis, session, progress, retrying, self.settings.settle_ms)

    def followed(self) -> list[tuple[Series, Instrument]]:
        """Every followed series; those of the settings where no role ever ran."""
        found = [market.instrument for market in markets.followed(self.redis)]
        instruments = found or [Instrument(symbol) for symbol in self.settings.symbols]
        return [
            (Series(instrument.symbol, INTERVALS[name]), instrument)
            for instrument in instruments
            for name in self.settings.intervals
        ]

    def writer(self, now_ms: Callable[[], int] | None = None) -> OfficialWriter:
        """Writes official candles; without asking the exchange, by its clock as it is shared."""
        publisher = Publisher(self.settings.redis_url)
        return OfficialWriter(
            self.redis,
            publisher,
            self.settings.settle_ms,
            now_ms or SharedClock(self.redis).now_ms,
            seal_after=self.settings.seal_after,
        )


@dataclass(frozen=True, slots=True)
class CommandRun:
    """What a long command works with while it runs, and says how far it is."""

    redis: Redis
    session: ExchangeSession
    progress: Progress
    retrying: RetryPolicy
    settle_ms: int

    def page_reader(self) -> KlinePageReader:
        """Asks the exchange by pages, and writes what it answers."""
        session = self.session
        return KlinePageReader(self.redis, session.writer, self.settle_ms, session.clock.now_ms)


class ExchangeSession(NamedTuple):
    """What asks the exchange and writes official candles, for as long as a command runs."""

    rest: RestClient
    clock: ExchangeClock
    writer: OfficialWriter


#: Gives a command its `CommandContext` as the first argument.
pass_context: Final = click.make_pass_decorator(CommandContext)


def reported(command: Command) -> Command:
    """Whatever goes wrong on purpose is one line, not a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except TrueCandleError as error:
            raise click.ClickException(str(error)) from None

    return run  # type: ignore[return-value]

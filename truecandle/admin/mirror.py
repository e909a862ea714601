"""`flask mirror`: official candles as Parquet files on disk by day, kept equal to the store.

Never here: what is due, how it is written or compared (`truecandle/mirror`).
Invariant: it only reads Redis. The exit code is 0 if and only if every file is as it should be.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import click

from truecandle import log_lines
from truecandle.admin.context import CommandContext, pass_context, reported
from truecandle.admin.moments import UtcTime, series_of
from truecandle.admin.progress import Progress
from truecandle.admin.retry import RetryPolicy
from truecandle.candles.series import Series
from truecandle.mirror.folder import MirrorFolder
from truecandle.mirror.series_mirror import MirrorOutcome, SeriesMirror
from truecandle.mirror.verifier import MirrorVerifier, Verification
from truecandle.mirror.watcher import MirrorWatcher
from truecandle.store import changes, channel, pages, tables

#: With `--watch`: how often the files of one series are written at most, in seconds.
EVERY_S: Final = 60
EVERY_S_MAX: Final = 86_400
#: What files say of where candles are from.
MARKETS: Final = {False: "binance spot", True: "simulated"}
NO_FOLDER: Final = "Name a folder with --into, or set MIRROR_DIR."


@click.command("mirror")
@click.argument("names", nargs=-1, metavar="[SYMBOL INTERVAL]...")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder; MIRROR_DIR if not given.",
)
@click.option("--from", "since_ms", type=UtcTime(), help="From the file on that holds this moment.")
@click.option("--prune", is_flag=True, help="Let go what is no longer stored.")
@click.option("--watch", is_flag=True, help="Go on: mirror whatever changes, until SIGTERM.")
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(1, EVERY_S_MAX),
    default=EVERY_S,
    show_default=True,
    metavar="SECONDS",
    help="With --watch, how often files of one series are written at most.",
)
@click.option("--verify", "is_check", is_flag=True, help="Compare all files, and write none.")
@pass_context
@reported
def mirror(
    context: CommandContext,
    names: tuple[str, ...],
    into: Path | None,
    since_ms: int | None,
    prune: bool,
    watch: bool,
    every_s: int,
    is_check: bool,
) -> None:
    """Write official candles to Parquet files by day, or what has changed of them since.

    Of the named series, or of all that are followed. Ends with 1 if a file is not as it should be.
    """
    if is_check and (watch or prune):
        raise click.UsageError("--verify goes with neither --watch nor --prune")
    if into is None and not context.settings.mirror_dir:
        raise click.UsageError(NO_FOLDER)
    tables.pyarrow()
    folder = MirrorFolder(into or Path(context.settings.mirror_dir))
    given = series_of(names) if names else None
    run = _Mirror(context, folder, given, since_ms or 0, prune)
    try:
        if watch:
            run.watch(every_s)
        elif not (run.verify() if is_check else run.once()):
            sys.exit(1)
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the next run goes on") from None


class _Outcome(NamedTuple):
    """How it went with one series, in words, and a sentence for each file that is wrong."""

    summary: str
    wrong: list[str]


class _Mirror:
    """What the command does, in each of its three ways."""

    def __init__(
        self,
        context: CommandContext,
        folder: MirrorFolder,
        given: list[Series] | None,
        since_ms: int,
        prune: bool,
    ) -> None:
        self._context = context
        self._redis = context.redis
        self._folder = folder
        self._given = given
        self._since_ms = since_ms
        self._prune = prune

    def once(self) -> bool:
        """Mirrors every series; whether all files are as they should be."""
        with Progress() as progress, self._held(progress.say) as retrying:
            work = self._work(on_rows=progress.advance)
            return self._each(
                progress, retrying, lambda series: _written(work.mirror(series, self._since_ms))
            )

    def watch(self, every_s: int) -> None:
        """Mirrors what changes, until a signal says that it is enough."""
        log_lines.set_up(self._context.settings.log_format, "mirror")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with self._held(log_lines.say, stop.wait):
            work = self._work(is_stopping=stop.is_set)
            watcher = MirrorWatcher(
                self._series,
                partial(changes.versions, self._redis),
                partial(work.mirror, since_ms=self._since_ms),
                every_s,
            )
            log_lines.say(f"mirror: writing into {self._folder.root}")
            watcher.run(stop)
        log_lines.say("mirror: stopped")

    def verify(self) -> bool:
        """Compares every series; whether all files are as they should be."""
        with Progress() as progress:
            work = MirrorVerifier(self._redis, self._folder, on_rows=progress.advance)
            return self._each(
                progress,
                RetryPolicy(progress.say),
                lambda series: _compared(work.verify(series, self._since_ms)),
            )

    def _each(
        self, progress: Progress, retrying: RetryPolicy, do: Callable[[Series], _Outcome]
    ) -> bool:
        """One series after the other, and says of each how it went; whether nothing is wrong."""
        is_clean = True
        for series in retrying.with_store(self._series):
            count = retrying.with_store(partial(pages.meta, self._redis, series)).count
            progress.begin(str(series), count)
            outcome = retrying.with_store(partial(do, series))
            for sentence in (f"{series}: {outcome.summary}", *outcome.wrong):
                progress.say(sentence)
            is_clean &= not outcome.wrong
        return is_clean

    def _series(self) -> list[Series]:
        if self._given is not None:
            return self._given
        return [series for series, _ in self._context.followed()]

    def _work(
        self,
        is_stopping: Callable[[], bool] = lambda: False,
        on_rows: Callable[[int], None] = lambda rows: None,
    ) -> SeriesMirror:
        market = MARKETS[self._context.settings.simulated]
        return SeriesMirror(
            self._redis, self._folder, market,
            prune=self._prune, is_stopping=is_stopping, on_rows=on_rows,
        )  # fmt: skip

    @contextmanager
    def _held(
        self, say: Callable[[str], None], sleep: Callable[[float], object] | None = None
    ) -> Iterator[RetryPolicy]:
        """The folder for this process alone; and what waits while Redis is away for a moment."""
        retrying = RetryPolicy(say, sleep) if sleep else RetryPolicy(say)
        identity = retrying.with_store(partial(channel.identity, self._redis))
        with self._folder.held(identity):
            yield retrying


def _written(found: MirrorOutcome) -> _Outcome:
    removed = f", {found.removed:,} removed" if found.removed else ""
    left = len(found.refused) - found.is_broken_off
    kept = f", {left:,} left as they are" if left else ""
    rest = ", the rest not" if found.is_broken_off else ""
    told = f"{found.written:,} written{removed}{kept}{rest}"
    summary = f"{told}; files: {found.files:,}, candles: {found.rows:,}"
    return _Outcome(summary, found.refused)


def _compared(found: Verification) -> _Outcome:
    behind = f", {found.behind:,} behind the store (a run brings them up)" if found.behind else ""
    wrong = f", {len(found.faults):,} wrong" if found.faults else ""
    summary = f"{found.files:,} right{behind}{wrong}; candles: {found.rows:,}"
    return _Outcome(summary, found.faults)

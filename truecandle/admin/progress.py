"""How far a long command is: a bar on a terminal, a plain line now and then without one.

Never here: what is done.
Invariant: without a terminal there are whole lines only, at most one each `LINE_S` and series.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

LINE_S: Final = 5.0


class Progress:
    """`begin` a task, `advance` it, `say` something. A context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._bars: Bars | None = None
        if self._console.is_terminal:
            self._bars = Bars(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>5.1f} %"),
                _Candles(),
                TimeRemainingColumn(compact=True),
                console=self._console,
            )
        self._title = ""
        self._done = self._total = 0
        self._began_s = self._said_s = 0.0

    def begin(self, title: str, total: int) -> None:
        """A new task of so many candles."""
        self._title, self._done, self._total = title, 0, total
        self._began_s = self._said_s = time.monotonic()
        if self._bars:
            self._task = self._bars.add_task(title, total=total)

    def advance(self, candles: int) -> None:
        """So many more are done."""
        self._done += candles
        if self._bars:
            self._bars.update(self._task, advance=candles)
        elif time.monotonic() - self._said_s >= LINE_S:
            self._said_s = time.monotonic()
            click.echo(self._line())

    def say(self, text: str) -> None:
        """A line above the bar."""
        if self._bars:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text)

    def __enter__(self) -> Progress:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars:
            self._bars.stop()

    def _line(self) -> str:
        rate = self._done / max(0.001, time.monotonic() - self._began_s)
        left_s = (self._total - self._done) / rate if rate else 0.0
        share = 100 * self._done / max(1, self._total)
        return (
            f"{self._title}: {self._done:,} of {self._total:,} candles ({share:.1f} %), "
            f"{rate:,.0f}/s, {duration(left_s)} left"
        )


class _Candles(ProgressColumn):
    """How many, of how many, and how fast."""

    def render(self, task: Task) -> Text:
        rate = f"{task.speed:,.0f}/s" if task.speed else "–/s"
        return Text(f"{task.completed:,.0f} of {task.total or 0:,.0f} candles, {rate}")


def duration(seconds: float) -> str:
    """`4 s`, `12 min`, `3 h 5 min`."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"

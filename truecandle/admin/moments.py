"""Moments as operators write and read them, and series as they name them.

Never here: time zones other than UTC, a clock.
Invariant: what is written as it is shown means the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final, TypeVar

import click

from truecandle.candles.decimals import is_moment
from truecandle.candles.interval import LAST_MS
from truecandle.candles.moments import ALLOWED, moment_in_text
from truecandle.candles.series import Series, parse_series
from truecandle.errors import CandleError

SERIES_MAX: Final = 200

Command = TypeVar("Command", bound=Callable[..., Any])


class UtcTime(click.ParamType[int]):
    """A moment as REST takes it: ISO 8601, UTC unless it says otherwise, or a Unix time."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            ms = moment_in_text(str(value), self.name)
        except CandleError:
            ms = LAST_MS
        if ms >= LAST_MS:
            self.fail(f"{value!r}; allowed: {ALLOWED}")
        return ms


def span_options(command: Command) -> Command:
    """`--from` and `--to`, as `start_ms` and `end_ms`, in this order."""

    @wraps(command)
    def ordered(*args: Any, start_ms: int | None, end_ms: int | None, **options: Any) -> Any:
        if start_ms is not None and end_ms is not None and start_ms >= end_ms:
            raise click.UsageError("--from has to be before --to")
        return command(*args, start_ms=start_ms, end_ms=end_ms, **options)

    end = click.option("--to", "end_ms", type=UtcTime(), help="Day or moment (UTC) to stop before.")
    start = click.option("--from", "start_ms", type=UtcTime(), help="First day or moment (UTC).")
    return start(end(ordered))  # type: ignore[return-value]


def shown(ms: object) -> str:
    """`2024-01-31T12:00:00Z`; what is no moment as it is."""
    if not is_moment(ms):
        return repr(ms)
    seconds, rest = divmod(ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03}Z" if rest else f"{text}Z"


def series_of(words: Sequence[str]) -> list[Series]:
    """SYMBOL INTERVAL [SYMBOL INTERVAL]…, each once."""
    if not words or len(words) % 2 or len(words) > 2 * SERIES_MAX:
        raise click.UsageError("Name one or more series as SYMBOL INTERVAL [SYMBOL INTERVAL]…")
    try:
        found = [parse_series(*words[at : at + 2]) for at in range(0, len(words), 2)]
    except CandleError as error:
        raise click.UsageError(str(error)) from None
    return list(dict.fromkeys(found))

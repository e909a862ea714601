"""`flask audit`: what live charts had shown of closed candles against what became official.

Never here: comparing, figures (`candles/audit`).
Invariant: it only reads.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from truecandle.admin.context import CommandContext, pass_context, reported
from truecandle.candles.audit import PRICES, AuditEntry, Steps, known_steps, summary
from truecandle.candles.series import Series, parse_series
from truecandle.store import audit as audits
from truecandle.store import markets

#: Candles listed one by one, of those that were not exact.
LISTED_MAX: Final = 20
#: Columns where there is no terminal: tables are as wide as they need.
PIPE_COLUMNS: Final = 200


@click.command()
@click.argument("symbol", required=False)
@click.argument("interval", required=False)
@pass_context
@reported
def audit(context: CommandContext, symbol: str | None, interval: str | None) -> None:
    """How far live charts were from the truth: all markets, or one SYMBOL and INTERVAL."""
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    if symbol is None:
        console.print(_overview(context))
        return
    if interval is None:
        raise click.UsageError("Name both SYMBOL and INTERVAL, or neither.")
    series = parse_series(symbol, interval)
    entries = audits.read(context.redis, series)
    if not entries:
        click.echo(f"No candle of {series} has been audited yet.")
        return
    steps = known_steps(markets.instrument(context.redis, series.symbol), entries)
    click.echo(_headline(series, entries, steps))
    console.print(_fields(entries, steps))
    inexact = [entry for entry in entries if not entry.is_exact]
    if inexact:
        console.print(_candles(inexact[:LISTED_MAX], len(inexact)))


def _overview(context: CommandContext) -> Table:
    table = _table(
        "Live charts against official candles",
        ("series", "shown", "exact", "never shown", "price off, ticks", "volume off, steps"),
        ("median s", "worst s"),
    )
    for series, instrument in context.followed():
        entries = audits.read(context.redis, series)
        found = summary(entries, known_steps(instrument, entries))
        prices = [found.fields[name].largest_ticks for name in PRICES]
        table.add_row(
            series.name,
            str(found.shown),
            _percent(found.exact_share),
            str(found.unseen),
            _number(max((off for off in prices if off is not None), default=None)),
            _number(found.fields["volume"].largest_ticks),
            _seconds(found.median_ms),
            _seconds(found.worst_ms),
        )
    return table


def _headline(series: Series, entries: Sequence[AuditEntry], steps: Steps) -> str:
    found = summary(entries, steps)
    lines = [f"{series}: {found.shown} candles shown live, {found.exact} exact"]
    if found.exact_share is not None:
        lines[0] += f" ({_percent(found.exact_share)})"
        median, worst = _seconds(found.median_ms), _seconds(found.worst_ms)
        lines.append(
            f"From the interval's end to official on the chart: median {median} s, worst {worst} s."
        )
    if found.unseen:
        lines.append(f"{found.unseen} candles were never shown live; they count in no figure.")
    lines.append(
        f"A tick is {_number(steps.tick)} (source: {steps.tick_source}), "
        f"a step of volume {_number(steps.step)} (source: {steps.step_source})."
    )
    return "\n".join(lines)


def _fields(entries: Sequence[AuditEntry], steps: Steps) -> Table:
    table = _table(
        "How far each field was off",
        ("field", "candles off", "largest, ticks", "median, ticks"),
        ("largest, bp", "median, bp"),
    )
    for name, off in summary(entries, steps).fields.items():
        figures = (off.largest_ticks, off.median_ticks, off.largest_bp, off.median_bp)
        table.add_row(name, str(off.differing), *map(_number, figures))
    return table


def _candles(entries: Sequence[AuditEntry], count: int) -> Table:
    shown = f"{len(entries)} of {count}" if len(entries) < count else str(count)
    table = _table(
        f"Candles that were not shown exactly ({shown}, newest first)",
        ("opens (UTC)", "shown less official", "last change, s from end", "official after, s"),
    )
    for entry in entries:
        off = ", ".join(f"{name} {entry.difference(name):+f}" for name in entry.differing)
        end_ms = entry.at_ms - entry.late_ms
        last_ms = entry.shown.updated_at - end_ms if entry.shown else None
        opens = datetime.fromtimestamp(entry.open_ms / 1000, UTC)
        table.add_row(
            f"{opens:%Y-%m-%d %H:%M:%S}",
            off if entry.shown else "never shown",
            _seconds(last_ms),
            _seconds(entry.late_ms),
        )
    return table


def _table(title: str, *columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(name for names in columns for name in names):
        table.add_column(name, justify="right" if number else "left", no_wrap=not number)
    return table


def _percent(share: Decimal | None) -> str:
    return "–" if share is None else f"{_number(share * 100)} %"


def _seconds(ms: Decimal | int | None) -> str:
    return "–" if ms is None else f"{Decimal(ms) / 1000:.3f}"


def _number(value: Decimal | None) -> str:
    """Plain decimal text without trailing zeros."""
    if value is None:
        return "–"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

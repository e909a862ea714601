"""`flask doctor`: what is wrong with the store, why it matters, and with `--repair` no longer.

Never here: how it is found (`store_checks`, `environment_checks`) or mended (`repair`).
Invariant: the exit code is 0 if and only if nothing is wrong in the end.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from truecandle.admin.context import CommandContext, ExchangeSession, pass_context, reported
from truecandle.admin.environment_checks import EnvironmentChecks
from truecandle.admin.finding import Finding, SetAside
from truecandle.admin.ownership import Ownership
from truecandle.admin.repair import Repair
from truecandle.admin.store_checks import StoreChecks
from truecandle.errors import ExchangeError, StoreUnavailable, TrueCandleError
from truecandle.store import clock as shared

#: Looks after a repair; each sees to what the one before had to leave out.
ROUNDS_MAX: Final = 10
#: Asking it costs request weight, which is kept under two names that others may have.
NOT_ASKED: Final = "it is not asked, as weight or ban hold what is another application's"
NOT_COUNTED: Final = "it is not asked, as its request weight cannot be counted"


@dataclass(slots=True)
class Report:
    """`found` at first, `failed` repairs in words, `left` in the end."""

    found: list[Finding]
    left: list[Finding]
    facts: dict[str, Any]
    failed: list[str] = field(default_factory=list)


@click.command("doctor")
@click.option("--repair", is_flag=True, help="Mend it, by asking the exchange.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
@reported
def doctor(context: CommandContext, repair: bool, as_json: bool) -> None:
    """Look for everything that can be wrong with the stored candles and what they depend on.

    Exits with 0 if all is well, with 1 if something is wrong (after --repair: still).
    """
    console = Console(stderr=as_json)
    with ExitStack() as stack:
        if console.is_terminal:
            stack.enter_context(console.status("Looking at every candle…"))
        session, error = None, None
        try:
            if not Ownership(context.redis, context.settings.symbols).has_budget():
                raise ExchangeError(NOT_ASKED)
            session = stack.enter_context(context.session())
        except ExchangeError as refusal:
            error = refusal
        except StoreUnavailable as refusal:
            error = ExchangeError(f"{NOT_COUNTED}: {refusal}")
        report = _look(context, session, error)
        if repair and report.left and session is not None:
            _repair(context, session, report, lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(_fields(report), ensure_ascii=False))
    elif console.is_terminal:
        _draw(console, report, repair)
    else:
        _write(report, repair)
    sys.exit(1 if report.left else 0)


def _look(
    context: CommandContext, session: ExchangeSession | None, error: ExchangeError | None = None
) -> Report:
    ownership = Ownership(context.redis, context.settings.symbols)
    around = EnvironmentChecks(context.redis, session, error, ownership.is_alone, context.settings)
    now_ms = session.clock.now_ms() if session else shared.read(context.redis).exchange_ms
    checkup = StoreChecks(context.redis, now_ms, ownership)
    found = [*around.findings(), *checkup.findings()]
    facts = {**{name: checkup.counts[name] for name in COUNTED}, **around.facts}
    facts["others"] = sorted(checkup.others)
    return Report(found, found, facts)


def _repair(context: CommandContext, session: ExchangeSession, report: Report, say: Any) -> None:
    """Repairs and looks again, until nothing is left or nothing changes any more."""
    settings = context.settings
    remedy = Repair(context.redis, session, settings.settle_ms, settings.history_candles, say)
    for _ in range(ROUNDS_MAX):
        before = report.left
        report.failed = []
        # First out of the way with what makes every write of a series fail.
        for is_first in (True, False):
            for finding in before:
                try:
                    for cure in finding.cures:
                        if isinstance(cure, SetAside) is is_first:
                            remedy.apply(cure)
                except TrueCandleError as error:
                    report.failed.append(f"{finding.place}, {finding.check}: {error}")
        again = _look(context, session)
        report.left, report.facts = again.left, again.facts
        if not any(finding.cures for finding in report.left) or report.left == before:
            return


def _fields(report: Report) -> dict[str, Any]:
    listed = {
        name: [_entry(finding) for finding in findings]
        for name, findings in (("found", report.found), ("left", report.left))
    }
    return {**listed, "failed": report.failed, "facts": report.facts}


def _entry(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check,
        "place": finding.place,
        "what": finding.what,
        "why": finding.why,
        "repair": finding.remedy or None,
    }


def _draw(console: Console, report: Report, repair: bool) -> None:
    if report.found:
        table = Table(title="Found", title_justify="left", show_lines=True)
        for name in ("where", "what is wrong", "why it matters", _heading(repair)):
            table.add_column(name, overflow="fold")
        for finding in report.found:
            what = f"{finding.check}: {finding.what}"
            done = _outcome(report, finding) if repair else finding.remedy or BY_HAND
            table.add_row(*map(Text, (finding.place, what, finding.why, done)))
        console.print(table)
    _summary(report, repair)


def _write(report: Report, repair: bool) -> None:
    for finding in report.found:
        click.echo(f"{finding.place}: {finding.check}: {finding.what}")
        click.echo(f"    {finding.why}")
        done = _outcome(report, finding) if repair else finding.remedy or BY_HAND
        click.echo(f"    {_heading(repair)}: {done}")
    _summary(report, repair)


def _summary(report: Report, repair: bool) -> None:
    """What was left, and the figures."""
    for text in report.failed:
        click.echo(f"could not be repaired: {text}")
    for finding in report.left if repair else ():
        click.echo(f"still wrong: {finding.place}: {finding.check}: {finding.what}")
    facts = report.facts
    click.echo(
        f"Looked at {facts['candles']:,} candles of {facts['series']:,} series; "
        f"{facts['parents']:,} compared with the shorter ones that cover them."
    )
    if facts["others"]:
        named = ", ".join(facts["others"])
        click.echo(f"Left alone, as they may be another application's: {named}.")
    offset_ms = facts.get("clock_offset_ms")
    offset = "unknown" if offset_ms is None else f"{offset_ms / 1000:+.3f} s"
    versions = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    click.echo(f"TrueCandle {facts['truecandle']}, Redis {facts.get('redis', 'unknown')}.")
    click.echo(f"Packages: {versions}.")
    ways = ", ".join(f"{name} {way}" for name, way in facts["way_out"].items())
    click.echo(f"The way to the exchange: {ways}.")
    click.echo(f"The exchange's clock less this machine's: {offset}.")
    click.echo(f"{len(report.left)} findings." if report.left else "Nothing is wrong.")


def _outcome(report: Report, finding: Finding) -> str:
    is_left = any((one.check, one.place) == (finding.check, finding.place) for one in report.left)
    return "still wrong" if is_left else "repaired"


def _heading(repair: bool) -> str:
    return "outcome" if repair else "--repair"


#: What is counted, as it stands in the facts.
COUNTED: Final = ("series", "candles", "parents")
BY_HAND: Final = "nothing; this is for people to mend"

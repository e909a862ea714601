"""Targets of benches, what was found, and how it came out.

Never here: measuring; which targets there are (each bench has its own `TARGETS`).
Invariant: every target has one row, whatever became of its bench: one that could not be measured is
failed, and one whose peer could not be had says so.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


@dataclass(frozen=True, slots=True)
class Target:
    """What has to be true of one figure; with a yardstick of the same run, of their ratio."""

    what: str
    unit: str
    #: None: the figure is only told.
    bound: float | None = None
    #: In words, what is measured beside it; empty: nothing.
    yardstick: str = ""
    at_most: bool = False

    @property
    def said(self) -> str:
        if self.bound is None:
            return "only told"
        sign = "≤" if self.at_most else "≥"
        return f"{sign} {number(self.bound)} {'×' if self.yardstick else self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Found:
    """A figure, and its ratio to the yardstick where there is one."""

    measured: float
    yardstick: float | None = None
    ratio: float | None = None

    @classmethod
    def beside(cls, measured: Sequence[float], yardstick: Sequence[float]) -> Self:
        """The medians of rounds; the ratio is the median of theirs, since only what was measured
        in one round can be compared."""
        pairs = zip(measured, yardstick, strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        return cls(statistics.median(measured), statistics.median(yardstick), ratio)


@dataclass(frozen=True, slots=True)
class NotHad:
    """A peer that could not be had, and why."""

    reason: str


Figures = Mapping[str, Found | NotHad]


class Verdict(StrEnum):
    MET = "met"
    MISSED = "MISSED"
    TOLD = "told"
    NOT_HAD = "not had"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    target: Target
    found: Found | NotHad | None

    @property
    def verdict(self) -> Verdict:
        found, bound = self.found, self.target.bound
        if found is None:
            return Verdict.FAILED
        if isinstance(found, NotHad):
            return Verdict.NOT_HAD
        judged = found.ratio if self.target.yardstick else found.measured
        if judged is None:
            return Verdict.FAILED
        if bound is None:
            return Verdict.TOLD
        is_met = judged <= bound if self.target.at_most else judged >= bound
        return Verdict.MET if is_met else Verdict.MISSED

    @property
    def is_wrong(self) -> bool:
        return self.verdict in (Verdict.MISSED, Verdict.FAILED)

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """What, target, measured, yardstick, ratio, verdict."""
        measured, yardstick, ratio = "–", self.target.yardstick or "–", "–"
        if isinstance(self.found, Found):
            measured = f"{number(self.found.measured)} {self.target.unit}".rstrip()
            if self.found.yardstick is not None:
                yardstick += f": {number(self.found.yardstick)}"
            if self.found.ratio is not None:
                ratio = number(self.found.ratio)
        elif self.found is not None:
            measured = self.found.reason
        return self.target.what, self.target.said, measured, yardstick, ratio, self.verdict.value


HEAD = ("what", "target", "measured", "yardstick of the same run", "ratio", "")


def rows(targets: Mapping[str, Target], found: Figures) -> list[Row]:
    return [Row(target, found.get(name)) for name, target in targets.items()]


def table(given: Iterable[Row]) -> str:
    """As Markdown."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in given)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def judge(targets: Mapping[str, Target], found: Figures) -> int:
    """Prints the table; the exit code of a bench: 1 if a target was missed."""
    judged = rows(targets, found)
    print(table(judged), flush=True)
    return 1 if any(row.is_wrong for row in judged) else 0


def number(value: float) -> str:
    """As many digits as say something: three, or the whole part."""
    if value and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"

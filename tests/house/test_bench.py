"""`make bench` tells every target, whatever becomes of its bench, and writes where it is told to.

Never here: measuring.
Invariant: a figure that was not measured is never called met.
"""

from __future__ import annotations

from importlib import import_module
from xml.etree import ElementTree

import pytest

from bench import all as every
from bench.parts.growth_plot import Line, Panel, drawn
from bench.parts.paper import PAPER, replaced
from bench.parts.targets import Figures, Found, NotHad, Target, Verdict, judge, rows, table

SPEED = Target("reads", "/s", 0.9, "a trivial route")
DELAY = Target("delay", "ms", 30, at_most=True)
TOLD = Target("heap", "MB")


def verdicts(target: Target, *found: Found | NotHad) -> list[str]:
    return [rows({"it": target}, {"it": one})[0].verdict for one in found]


def test_what_has_a_yardstick_is_judged_by_its_ratio_and_all_else_by_itself() -> None:
    fast, slow = Found.beside([95, 99, 50], [100, 100, 50]), Found.beside([80], [100])
    assert (fast.measured, fast.yardstick, fast.ratio) == (95, 100, 0.99)
    assert verdicts(SPEED, fast, slow) == [Verdict.MET, Verdict.MISSED]
    assert verdicts(DELAY, Found(30), Found(30.1)) == [Verdict.MET, Verdict.MISSED]
    assert verdicts(TOLD, Found(9_999)) == [Verdict.TOLD]


def test_every_target_has_its_row_whatever_became_of_its_bench(
    capsys: pytest.CaptureFixture[str],
) -> None:
    targets = {"speed": SPEED, "delay": DELAY, "heap": TOLD}
    found: Figures = {"delay": NotHad("no such package"), "heap": Found(1_234.5)}
    told = [row.cells() for row in rows(targets, found)]
    assert [cells[-1] for cells in told] == ["FAILED", "not had", "told"]
    assert told[1][2] == "no such package"
    assert told[2][2] == "1,234 MB"
    assert judge(targets, found) == 1
    assert judge({"delay": DELAY}, found) == 0  # that a peer is missing says nothing of us
    printed = capsys.readouterr().out
    assert printed.startswith(table(rows(targets, found)))
    assert verdicts(SPEED, Found(100)) == [Verdict.FAILED]  # without what it is put beside


def test_each_bench_of_the_whole_has_targets_and_a_short_manner() -> None:
    for name in every.BENCHES:
        module = import_module(f"bench.{name}")
        assert module.TARGETS and callable(module.short), name
        assert all(isinstance(one, Target) for one in module.TARGETS.values()), name


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    paper = PAPER.read_text(encoding="utf-8")
    for name in ("all", "growth"):
        written = replaced(paper, name, "| new |\n")
        before, after = paper.split(f"<!-- made by bench.{name} -->\n")
        assert written.startswith(f"{before}<!-- made by bench.{name} -->\n| new |\n<!-- end")
        assert written.endswith(after.partition(f"<!-- end of bench.{name} -->")[2])
        assert replaced(written, name, "| new |\n") == written
    with pytest.raises(ValueError, match=r"made by bench\.none"):
        replaced(paper, "none", "")


def test_the_plot_is_a_picture_with_a_line_for_each_figure() -> None:
    panels = [
        Panel("markets", [1, 200], [Line("CPU <ms>", [1, 150]), Line("MB", [1, 1.2])]),
        Panel("candles", [1_000], [Line("ms", [1])]),
    ]
    root = ElementTree.fromstring(drawn(panels))
    lines = [one for one in root.iter() if one.tag.endswith("polyline")]
    assert len(lines) == 3 + 2  # and a dashed one in each

"""docs/measurements.md, as far as benches write it: what stands between two markers of theirs.

Never here: what is written.
Invariant: nothing outside of the markers is touched; without them nothing is written.
"""

from __future__ import annotations

from tests.support.project_files import ROOT

PAPER = ROOT / "docs" / "measurements.md"


def put_into(name: str, text: str) -> None:
    """Puts the text between the markers of that name; `ValueError` where the paper has none."""
    PAPER.write_text(replaced(PAPER.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def replaced(paper: str, name: str, text: str) -> str:
    begin, end = f"<!-- made by bench.{name} -->\n", f"<!-- end of bench.{name} -->\n"
    before, begun, rest = paper.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"{PAPER.name}: expected the lines {begin!r} and {end!r}")
    return f"{before}{begin}{text}{end}{after}"

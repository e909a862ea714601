"""What the house's files say, read for comparison: settings, make targets, files.

Never here: assertions.
Invariant: each fact is read from where it is made, never written a second time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from truecandle.config import as_text, read_settings

ROOT = Path(__file__).resolve().parent.parent.parent
MADE = {"__pycache__", "dist", "node_modules", "var"}


class Asked(Mapping[str, str]):
    """An empty environment that remembers which settings were asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.names.append(name)
        return default

    def __getitem__(self, name: str) -> str:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@cache
def settings_and_defaults() -> dict[str, str]:
    """Every setting → its default as it is written in an environment."""
    asked = Asked()
    defaults = read_settings(asked)
    return {
        name: as_text(getattr(defaults, name.lower()))
        for name in asked.names
        if not name.endswith("_FILE")
    }


def make_targets() -> dict[str, str]:
    """Target → what `make help` says about it ("" for those it hides)."""
    makefile = (ROOT / "Makefile").read_text()
    lines = re.findall(r"^([a-z0-9-]+):(?!=)[^#\n]*(?:## (.+))?$", makefile, re.M)
    return dict(lines)


def files(*patterns: str) -> list[Path]:
    """The project's own files whose path matches one of the patterns (`*` goes into folders)."""
    return [path for path in own_files() if any(map(path.relative_to(ROOT).match, patterns))]


@cache
def own_files() -> tuple[Path, ...]:
    """Every file but what set-up, runs and version control have made."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE and name[0] != "."]
        found += [Path(folder, name) for name in names]
    return tuple(sorted(found))

"""`docs/limits.md` says how much is allowed, and nothing else than the code does.

Never here: whether a bound holds; its own tests show that.
Invariant: a bound of what comes in at a socket that is not on the page fails here.
"""

from __future__ import annotations

import importlib
import re

from limits import RateLimitItem

from tests.support.project_files import ROOT, settings_and_defaults
from truecandle.web import socket_limits

PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ((?:setting )?`[^`]+`) \| ([^|]+) \|", PAGE, re.M))


def value_of(name: str) -> str:
    """What the code says, as the page writes it."""
    place, _, constant = f"truecandle.{name}".rpartition(".")
    value = getattr(importlib.import_module(place), constant)
    return str(value) if isinstance(value, RateLimitItem) else f"{value:,.10g}"


def test_every_bound_on_the_page_is_the_codes() -> None:
    assert len(ROWS) > 50
    settings = settings_and_defaults()
    for shown, value in ROWS.items():
        name = shown.strip("`").removeprefix("setting `")
        told = f"{int(settings[name]):,}" if shown.startswith("setting") else value_of(name)
        assert told == value, name


def test_every_bound_of_sockets_is_on_the_page() -> None:
    names = {name for name in vars(socket_limits) if re.fullmatch(r"[A-Z][A-Z_]+", name)}
    assert len(names) > 25
    assert {f"`web.socket_limits.{name}`" for name in names} - set(ROWS) == set()

"""`/layouts`: several charts side by side, as a user has named them.

Never here: what stands in a study (`studies`), how charts are laid out (the page).
Invariant: a layout has as many panes as its grid has places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response

from truecandle.candles.interval import parse_interval
from truecandle.candles.series import parse_symbol
from truecandle.errors import CandleError
from truecandle.exact_json import Exact
from truecandle.store.user_documents import LAYOUTS, StoredDocument
from truecandle.web import documents, studies
from truecandle.web.auth import require_user, require_write
from truecandle.web.errors import Problem
from truecandle.web.fields import Check, boolean, checked_array, checked_object, one_of
from truecandle.web.json_response import json_response, private
from truecandle.web.user_settings import CHART_TYPES, SCALES

#: How many charts there are side by side.
GRIDS: Final = (1, 2, 3, 4)
#: What charts of one layout may have in common.
LINKS: Final = ("crosshair", "range", "symbol", "interval")

_PATH: Final = "/layouts/<name>"

bp = Blueprint("layouts", __name__)
documents.allow_larger_bodies(bp)


@bp.get("/layouts")
@require_user
def layouts() -> Response:
    """The names of the user's layouts, each with its version."""
    found = documents.find_all(LAYOUTS)
    rows = [{"name": name, "version": document.version} for name, document in found.items()]
    return json_response({"layouts": rows})


@bp.get(_PATH)
@require_user
def layout(name: str) -> Response:
    """One of the user's; 404 where there is none of that name."""
    found = documents.find(LAYOUTS, documents.parse_name(name))
    if not found.version:
        raise _unknown()
    return json_response({"name": name, **_told(found)})


@bp.put(_PATH)
@require_write("trader")
def change_layout(name: str) -> Response:
    """Makes it (`version` 0) or replaces that version: 409 with the newest one else."""
    name = documents.parse_name(name)
    found, version = documents.given("layout")
    saved = documents.save(LAYOUTS, name, checked(found), version, _told)
    return json_response({"name": name, **_told(saved)})


@bp.delete(_PATH)
@require_write("trader")
def remove_layout(name: str) -> Response:
    """Takes it away, whatever its version."""
    if not documents.remove(LAYOUTS, documents.parse_name(name)):
        raise _unknown()
    return private(Response(status=204))


def checked(found: object) -> dict[str, Any]:
    """The layout; `CandleError` names the first field that is wrong, and what it may be."""
    given = checked_object("layout", found, _CHECKS, frozenset({"grid", "panes"}))
    if len(given["panes"]) != given["grid"]:
        value = f"{len(given['panes'])} of them"
        raise CandleError("panes", value, f"{given['grid']} of them, as grid says")
    return given


def _told(document: StoredDocument) -> dict[str, Any]:
    return {"layout": Exact(document.text or "null"), "version": document.version}


def _unknown() -> Problem:
    return Problem(404, "unknown-layout", "There is no layout of that name.")


def _panes(name: str, value: object) -> list[dict[str, Any]]:
    found = checked_array(name, value, max(GRIDS), "panes")
    return [checked_object("pane", one, _PANE, frozenset({"symbol", "interval"})) for one in found]


def _links(name: str, value: object) -> dict[str, Any]:
    return checked_object(name, value, dict.fromkeys(LINKS, boolean))


def _symbol(_name: str, value: object) -> str:
    return parse_symbol(value)


def _interval(_name: str, value: object) -> str:
    return parse_interval(value).name


_PANE: Final[Mapping[str, Check]] = {
    "symbol": _symbol,
    "interval": _interval,
    "type": one_of(*CHART_TYPES),
    "scale": one_of(*SCALES),
    "inverted": boolean,
    "studies": studies.checked,
}
_CHECKS: Final[Mapping[str, Check]] = {"grid": one_of(*GRIDS), "panes": _panes, "links": _links}

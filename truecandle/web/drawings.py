"""`/drawings/<symbol>`: what a user has drawn on a market, checked field by field.

Never here: how a drawing looks, defaults: a field that is not there is the page's to decide.
Invariant: nothing is stored that is not one of the kinds below, anchored by as many points as it
takes; the page knows the same kinds and styles (`static/src/drawings/drawing.ts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from unicodedata import category

from flask import Blueprint, Response

from truecandle.candles.decimals import canonical, moment
from truecandle.candles.series import parse_symbol
from truecandle.errors import CandleError
from truecandle.exact_json import Exact
from truecandle.store.user_documents import DRAWINGS, StoredDocument
from truecandle.web import documents
from truecandle.web.auth import require_user, require_write
from truecandle.web.fields import (
    Check,
    boolean,
    checked_array,
    checked_object,
    identifier,
    one_of,
    shown,
)
from truecandle.web.json_response import json_response

#: How many points each kind of drawing is anchored by.
KINDS: Final[Mapping[str, int]] = {
    "horizontal": 1,
    "vertical": 1,
    "trend": 2,
    "ray": 2,
    "channel": 3,
    "rectangle": 2,
    "fibonacci": 2,
    "text": 1,
    "arrow": 2,
    "measure": 2,
}
#: Names of the page's tokens: each is another colour in dark and in light.
COLORS: Final = ("accent", "text", "muted", "green", "red", "blue", "orange", "warn")
WIDTHS: Final = (1, 2, 3, 4)
DASHES: Final = ("solid", "dashed", "dotted")
DRAWINGS_MAX: Final = 500
TEXT_CHARS_MAX: Final = 200

_PATH: Final = "/drawings/<symbol>"

bp = Blueprint("drawings", __name__)
documents.allow_larger_bodies(bp)


@bp.get(_PATH)
@require_user
def drawings(symbol: str) -> Response:
    """What the user has drawn on that market, and its version; 0 where that is nothing."""
    return json_response(_told(documents.find(DRAWINGS, parse_symbol(symbol))))


@bp.put(_PATH)
@require_write("trader")
def change_drawings(symbol: str) -> Response:
    """Replaces all of them, if `version` is the newest: 409 with that one else."""
    market = parse_symbol(symbol)
    found, version = documents.given("drawings")
    content = checked(found) or None
    return json_response(_told(documents.save(DRAWINGS, market, content, version, _told)))


def checked(found: object) -> list[dict[str, Any]]:
    """The drawings; `CandleError` names the first field that is wrong, and what it may be."""
    ids = set[str]()
    drawn = []
    for one in checked_array("drawings", found, DRAWINGS_MAX, "drawings"):
        drawing = _drawing(one)
        if drawing["id"] in ids:
            raise CandleError("id", drawing["id"], "each id once")
        ids.add(drawing["id"])
        drawn.append(drawing)
    return drawn


def _told(document: StoredDocument) -> dict[str, Any]:
    return {"drawings": Exact(document.text or "[]"), "version": document.version}


def _drawing(found: object) -> dict[str, Any]:
    drawing = checked_object("drawing", found, _CHECKS, frozenset({"id", "kind", "points"}))
    count = KINDS[drawing["kind"]]
    if len(drawing["points"]) != count:
        value, kind = f"{len(drawing['points'])} of them", drawing["kind"]
        raise CandleError("points", value, f"{count} of them for the kind {kind}")
    return drawing


def _points(name: str, value: object) -> list[dict[str, Any]]:
    found = checked_array(name, value, max(KINDS.values()), "points")
    return [checked_object("point", one, _POINT, frozenset(_POINT)) for one in found]


def _price(name: str, value: object) -> str:
    if isinstance(value, str):
        return canonical(value, name)
    raise CandleError(name, shown(value), 'decimal text, as "67010.5"')


def _time(name: str, value: object) -> int:
    return moment(shown(value), name)


def _style(name: str, value: object) -> dict[str, Any]:
    return checked_object(name, value, _STYLES)


def _text(name: str, value: object) -> str:
    allowed = f"a text of at most {TEXT_CHARS_MAX} characters, none of them a control character"
    if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX:
        raise CandleError(name, shown(value), allowed)
    if any(category(one) in ("Cc", "Cs") for one in value if one != "\n"):
        raise CandleError(name, value, allowed)
    return value


_POINT: Final[Mapping[str, Check]] = {"time": _time, "price": _price}
_STYLES: Final[Mapping[str, Check]] = {
    "color": one_of(*COLORS),
    "width": one_of(*WIDTHS),
    "dash": one_of(*DASHES),
}
_CHECKS: Final[Mapping[str, Check]] = {
    "id": identifier,
    "kind": one_of(*KINDS),
    "points": _points,
    "style": _style,
    "text": _text,
    "locked": boolean,
    "hidden": boolean,
}

"""`/settings`: what a signed-in user has set, checked key by key.

Never here: what a setting does (the page), defaults: a key that is not set is the page's to decide.
Invariant: nothing is stored that is not one of the keys below with a value that it may have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from flask import Blueprint, Response, request
from flask_login import current_user

from truecandle import exact_json
from truecandle.candles.series import parse_series, parse_symbol
from truecandle.errors import CandleError, StoreError
from truecandle.exact_json import Exact
from truecandle.store import user_settings
from truecandle.store.user_settings import StoredSettings
from truecandle.web import json_body, studies
from truecandle.web.auth import require_user, require_write, unauthorized
from truecandle.web.fields import Check, boolean, checked_array, checked_object, one_of, shown
from truecandle.web.json_response import json_response
from truecandle.web.query import reject_parameters
from truecandle.web.services import services

BODY_BYTES_MAX: Final = 16 * 1024
FAVOURITES_MAX: Final = 200
THEMES: Final = ("system", "dark", "light")
CANDLE_COLORS: Final = ("green-red", "red-green", "blue-orange")
CHART_TYPES: Final = ("candles", "hollow", "bars", "line", "area", "heikin-ashi")
SCALES: Final = ("normal", "log", "percent")
PANELS: Final = ("none", "watchlist", "truth", "drawings")

bp = Blueprint("settings", __name__)

_BODY_FIELDS: Final = frozenset({"settings"})


@bp.get("/settings")
@require_user
def settings() -> Response:
    """What the user has set, and its version: 0 before anything was."""
    reject_parameters(request.args)
    return _answer(user_settings.read(services().redis, current_user.name))


@bp.put("/settings")
@require_write("trader")
def change_settings() -> Response:
    """Replaces all that the user has set."""
    reject_parameters(request.args)
    given = json_body.read(request, _BODY_FIELDS, BODY_BYTES_MAX)["settings"]
    text = exact_json.dumps(exact_json.exact(checked(given))).decode()
    version = user_settings.save(services().redis, current_user.name, text)
    if not version:
        raise unauthorized()
    return _answer(StoredSettings(text, version))


def of_user() -> dict[str, Any] | None:
    """What the one who asks has set; None for an anonymous reader, and while nobody knows."""
    if not current_user.is_authenticated:
        return None
    try:
        found: dict[str, Any] = json.loads(
            user_settings.read(services().redis, current_user.name).text
        )
    except (StoreError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def checked(given: object) -> dict[str, Any]:
    """The settings; `CandleError` names the first key that is wrong, and what it may be."""
    return checked_object("settings", given, _CHECKS)


def _answer(found: StoredSettings) -> Response:
    return json_response({"settings": Exact(found.text), "version": found.version})


def _zone(name: str, value: object) -> str:
    if isinstance(value, str) and (value in ("UTC", "local") or value in _zones()):
        return value
    allowed = "UTC, local, or a name of the IANA time zone database, as Europe/Berlin"
    raise CandleError(name, shown(value), allowed)


@cache
def _zones() -> frozenset[str]:
    """Read from disk once."""
    return frozenset(available_timezones())


def _favourites(name: str, value: object) -> list[str]:
    found = checked_array(name, value, FAVOURITES_MAX, "symbols")
    try:
        return list(dict.fromkeys(map(parse_symbol, found)))
    except CandleError as error:
        raise CandleError(name, error.value, f"symbols, each of {error.allowed}") from None


def _last(name: str, value: object) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise CandleError(name, shown(value), 'null or {"symbol", "interval"}')
    json_body.only(value, name, _SERIES, _SERIES)
    series = parse_series(value["symbol"], value["interval"])
    return {"symbol": series.symbol, "interval": series.interval.name}


_SERIES: Final = frozenset({"symbol", "interval"})
_CHECKS: Final[Mapping[str, Check]] = {
    "theme": one_of(*THEMES),
    "zone": _zone,
    "colors": one_of(*CANDLE_COLORS),
    "type": one_of(*CHART_TYPES),
    "scale": one_of(*SCALES),
    "inverted": boolean,
    "auto": boolean,
    "shortcuts": boolean,
    "tools": boolean,
    "panel": one_of(*PANELS),
    "favourites": _favourites,
    "last": _last,
    "studies": studies.checked,
}

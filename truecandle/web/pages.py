"""The pages: the chart, signing in and out.

Never here: market data (the page asks the API), how signing in works (`auth`).
Invariant: nothing that a browser sends decides which host it is sent to next.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_login import current_user
from jinja2.utils import htmlsafe_json_dumps
from werkzeug.wrappers import Response as AnyResponse

from truecandle import exact_json
from truecandle.candles.series import parse_symbol
from truecandle.errors import CandleError
from truecandle.events import Codec
from truecandle.web import user_settings
from truecandle.web.auth import PAGES, SPENT, may_read, sign_in, sign_in_by_link, sign_out
from truecandle.web.errors import Problem
from truecandle.web.services import services

bp = Blueprint(PAGES, __name__)

#: Candles that the chart asks for at once.
PAGE_CANDLES: Final = 500
#: A name that was refused is given back up to so many characters.
NAME_SHOWN: Final = 100
#: A path of ours: one slash first, then nothing that a browser takes for a host or drops.
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")


@bp.get("/")
def chart() -> AnyResponse | str:
    """The chart; whoever may not read is asked to sign in first."""
    if not may_read():
        here = request.script_root + request.full_path if request.query_string else None
        return redirect(url_for("pages.login", next=here), 303)
    config = _config()
    named = _asked_symbol() or config["symbol"]
    # As JSON texts of ours have it: the exchange's decimals stay as they are.
    text = htmlsafe_json_dumps(config, dumps=Codec.dumps)
    return _uncached(render_template("chart.html", config=config, named=named, config_json=text))


@bp.get("/login")
def login() -> AnyResponse:
    """The sign-in page; it also redeems one-time links (`/login#link=TOKEN`)."""
    if current_user.is_authenticated:
        return redirect(_own(request.args.get("next")), 303)
    return _door(200)


@bp.post("/login")
def enter() -> AnyResponse:
    """Name and password from the form."""
    form = request.form
    name = form.get("username", "").strip()
    try:
        sign_in(name, form.get("password", ""))
    except Problem as problem:
        answer = _door(problem.status, problem.detail, name)
        answer.headers.update(problem.headers)
        answer.headers.pop("WWW-Authenticate", None)
        return answer
    return redirect(_own(form.get("next")), 303)


@bp.post("/login/link")
def enter_by_link() -> AnyResponse:
    """The secret of a one-time link, as JSON: `{"link": TOKEN}`."""
    body = request.get_json(silent=True)
    secret = body.get("link") if isinstance(body, dict) else None
    if not isinstance(secret, str):
        raise Problem(401, "link", SPENT)
    sign_in_by_link(secret)
    return Response(status=204)


@bp.post("/logout")
def leave() -> AnyResponse:
    """Signs out; the session is over, not only its cookie."""
    sign_out()
    return redirect(url_for("pages.login"), 303)


def _door(status: int, error: str | None = None, username: str = "") -> Response:
    """The sign-in page; after a mistake with the name as it was typed."""
    onward = request.values.get("next", "")
    onward = onward if _own(onward) == onward else ""
    page = render_template("login.html", error=error, next=onward, username=username[:NAME_SHOWN])
    return _uncached(page, status)


def _uncached(page: str, status: int = 200) -> Response:
    response = Response(page, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


def _config() -> dict[str, Any]:
    settings, markets = services().settings, services().markets.known()
    symbols = tuple(market.symbol for market in markets)
    is_signed_in = bool(current_user.is_authenticated)
    chosen = user_settings.of_user()
    symbol, interval = _shown_series(symbols, chosen)
    ticker = services().exchange.row(_asked_symbol() or symbol)
    return {
        "symbols": list(symbols),
        "markets": [exact_json.loads(market.to_json()) for market in markets],
        "intervals": list(settings.intervals),
        "symbol": symbol,
        "interval": interval,
        "simulated": settings.simulated,
        "signed_in": is_signed_in,
        "user": current_user.name if is_signed_in else None,
        "limit": PAGE_CANDLES,
        "settings": chosen,
        "ticker": exact_json.Exact(ticker) if ticker else None,
    }


def _shown_series(symbols: tuple[str, ...], chosen: dict[str, Any] | None) -> tuple[str, str]:
    """The market and interval of the address; where it names none the last ones that the user had
    open, else the usual ones.
    """
    intervals = services().settings.intervals
    last = (chosen or {}).get("last") or {}
    usual = "1m" if "1m" in intervals else intervals[0]
    interval = request.args.get("interval", "")
    spelt = interval if interval.endswith("M") else interval.lower()  # 1M is a month, no minute
    return (
        _first_of(symbols, _asked_symbol(), last.get("symbol"), symbols[0]),
        _first_of(intervals, spelt, last.get("interval"), usual),
    )


def _first_of(allowed: tuple[str, ...], *wanted: str | None) -> str:
    return next(one for one in wanted if one in allowed)


def _asked_symbol() -> str | None:
    """The market that the address names, in whatever case, followed here or not."""
    try:
        return parse_symbol(request.args.get("symbol", "").upper())
    except CandleError:
        return None


def _own(path: str | None) -> str:
    """The path to go on to: the wanted one if it is one of ours, else the chart."""
    base = f"{request.script_root}/"
    is_ours = path and path.startswith(base) and len(path) <= 2_000 and _OWN_PATH.fullmatch(path)
    return path if path and is_ours else base

"""The pages: the chart, signing in and out.

Never here: market data (the page asks the API), how signing in works (`sign_in`), one's account.
Invariant: nothing that a browser sends decides which host it is sent to next.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_login import current_user
from jinja2.utils import htmlsafe_json_dumps
from werkzeug.wrappers import Response as AnyResponse

from truecandle import exact_json
from truecandle.candles.series import parse_symbol
from truecandle.errors import CandleError, StoreError
from truecandle.events import Codec
from truecandle.store.markets import FollowedMarket
from truecandle.web import markets, user_settings
from truecandle.web.auth import PAGES, may_read
from truecandle.web.errors import Problem
from truecandle.web.json_response import json_response
from truecandle.web.services import services
from truecandle.web.sign_in import (
    SPENT,
    asked_for_code,
    sign_in,
    sign_in_by_code,
    sign_in_by_link,
    sign_out,
)

bp = Blueprint(PAGES, __name__)

#: Where the code of a second factor is asked for.
CODE: Final = "/login/code"
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
    first = _first_request(config) if named == config["symbol"] else None
    # As JSON texts of ours have it: the exchange's decimals stay as they are.
    text = htmlsafe_json_dumps(config, dumps=Codec.dumps)
    page = render_template(
        "chart.html", config=config, named=named, config_json=text, first_request=first
    )
    return _uncached(page)


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
        is_in = sign_in(name, form.get("password", ""), form.get("recovery", "").strip())
    except Problem as problem:
        return _refused(_door(problem.status, problem.detail, name), problem)
    onward = _own(form.get("next"))
    return redirect(onward if is_in else url_for("pages.code", next=onward), 303)


@bp.get(CODE)
def code() -> AnyResponse:
    """Asks for the second factor's code, once the password was right."""
    return _code_page(200) if asked_for_code() else redirect(url_for("pages.login"), 303)


@bp.post(CODE)
def enter_code() -> AnyResponse:
    """The code from the form."""
    try:
        sign_in_by_code(request.form.get("code", "").strip())
    except Problem as problem:
        if problem.code == "factor":
            return _refused(_door(problem.status, problem.detail), problem)
        return _refused(_code_page(problem.status, problem.detail), problem)
    return redirect(_own(request.form.get("next")), 303)


@bp.post("/login/link")
def enter_by_link() -> AnyResponse:
    """The secret of a one-time link, as JSON: `{"link": TOKEN}`. Says where to go on, and whether
    a second factor's code is asked for there.
    """
    body = request.get_json(silent=True)
    secret = body.get("link") if isinstance(body, dict) else None
    if not isinstance(secret, str):
        raise Problem(401, "link", SPENT)
    return json_response({"next": "/" if sign_in_by_link(secret) else CODE})


@bp.post("/logout")
def leave() -> AnyResponse:
    """Signs out; the session is over, not only its cookie."""
    sign_out()
    return redirect(url_for("pages.login"), 303)


def _door(status: int, error: str | None = None, username: str = "") -> Response:
    """The sign-in page; after a mistake with the name as it was typed."""
    onward = request.values.get("next", "")
    onward = onward if _own(onward) == onward else ""
    problems = services().server_monitor.problems()
    lost = next((one.text for one in problems if one.kind == "accounts_lost"), None)
    page = render_template(
        "login.html",
        error=error,
        lost=lost,
        next=onward,
        username=username[:NAME_SHOWN],
        asks_recovery=status == HTTPStatus.TOO_MANY_REQUESTS,
    )
    return _uncached(page, status)


def _code_page(status: int, error: str | None = None) -> Response:
    onward = _own(request.values.get("next"))
    return _uncached(render_template("login_code.html", error=error, next=onward), status)


def _refused(page: Response, problem: Problem) -> Response:
    """A page that tells a refusal, with its headers but for that of tokens."""
    page.headers.update(problem.headers)
    page.headers.pop("WWW-Authenticate", None)
    return page


def _uncached(page: str, status: int = 200) -> Response:
    response = Response(page, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


def _config() -> dict[str, Any]:
    settings, known = services().settings, services().markets.known()
    symbols = tuple(market.symbol for market in known)
    is_signed_in = bool(current_user.is_authenticated)
    chosen = user_settings.of_user()
    symbol, interval = _shown_series(symbols, chosen)
    ticker = services().exchange.row(_asked_symbol() or symbol)
    mine = _removable()
    return {
        "symbols": list(symbols),
        "markets": [_in_page(market, mine) for market in known],
        "intervals": list(settings.intervals),
        "symbol": symbol,
        "interval": interval,
        "simulated": settings.simulated,
        "signed_in": is_signed_in,
        "user": current_user.name if is_signed_in else None,
        "role": current_user.role if is_signed_in else None,
        "limit": PAGE_CANDLES,
        "settings": chosen,
        "ticker": exact_json.Exact(ticker) if ticker else None,
    }


def _first_request(config: dict[str, Any]) -> str | None:
    """What the page will ask for first (`static/src/net/api.ts`): the browser fetches it beside the
    scripts. None where the browser's own memory may choose another series.
    """
    is_named = {"symbol", "interval"} <= request.args.keys()
    if not is_named and not (config["settings"] or {}).get("last"):
        return None
    series = {"symbol": config["symbol"], "interval": config["interval"]}
    more = {"limit": PAGE_CANDLES, "time": "ms", "live": 1, "marks": 1}
    return f"{request.script_root}/data?{urlencode(series | more)}"


def _in_page(market: FollowedMarket, removable: frozenset[str]) -> dict[str, Any]:
    told: dict[str, Any] = exact_json.loads(market.to_json())
    return {**told, "may_unfollow": market.symbol in removable}


def _removable() -> frozenset[str]:
    """The page opens while the store is away, too."""
    try:
        return markets.removable()
    except StoreError:
        return frozenset()


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

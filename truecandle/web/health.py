"""How this process and what it depends on are: `/healthz`, `/readyz`, `/metrics`.

Never here: market data; details for strangers.
Invariant: `/healthz` touches nothing, so that it says that this process is alive, and only that.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import prometheus_client
from flask import Blueprint, Response, request
from flask_login import current_user
from prometheus_client import CollectorRegistry

from truecandle import metrics
from truecandle.candles.freshness import STATES, Freshness
from truecandle.errors import StoreError
from truecandle.metrics import RoleFigures
from truecandle.store import roles, shared_settings
from truecandle.store.roles import RoleHeartbeat
from truecandle.store.server_state import KINDS, ServerProblem, worst
from truecandle.web import freshness
from truecandle.web.auth import unauthorized
from truecandle.web.forwarded import PASSED_ON, client_address
from truecandle.web.services import services

bp = Blueprint("health", __name__)

ROLES: Final = ("fetcher", "feed")
NEVER_CONNECTED: Final = (
    "No stream of the exchange has ever opened, so prices do not move: look at BINANCE_WS_URL, and"
    " at the way out that `flask doctor` names."
)


@bp.get("/healthz")
def alive() -> Response:
    """This process answers."""
    return _answer({"status": "alive"})


@bp.get("/readyz")
def ready() -> Response:
    """200 if Redis answers and takes writes and fetcher and feed are alive, else 503; details for
    insiders. `warnings` says what is wrong with Redis, with streams and with settings that roles
    have to agree on, and what to do; `redis_problems` the kinds of the first.

    A live feed without the exchange is ready: this process serves what is stored, starting it again
    would bring nothing back, and `markets` tells how fresh each market is and why.
    """
    report, _ = _look()
    status = 200 if report["ready"] else 503
    shown = report if _is_insider() else {"ready": report["ready"]}
    response = _answer(shown, status)
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


@bp.get("/metrics")
def numbers() -> Response:
    """Prometheus' text format; for insiders."""
    if not _is_insider():
        raise unauthorized()
    _, figures = _look()
    said = CollectorRegistry(auto_describe=False)
    said.register(figures)
    return Response(
        prometheus_client.generate_latest() + prometheus_client.generate_latest(said),
        content_type=prometheus_client.CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )


def _look() -> tuple[dict[str, Any], RoleFigures]:
    """How everything is, and what fetcher and feeds say of themselves, as far as they live."""
    problems = _problems()
    said: dict[str, Any] = {
        "redis_problems": [one.kind for one in problems],
        "warnings": [*(one.text for one in problems), *services().shared_address.warnings()],
    }
    try:
        beats = roles.heartbeats(services().redis)
        feeds = roles.each(services().redis, "feed")
        markets = freshness.of_all(services())
    except StoreError as error:
        metrics.REDIS_UP.set(0)
        _count({})
        report = {"ready": False, "redis": str(error), "roles": {}, "markets": {}, **said}
        return report, RoleFigures(None, ())
    metrics.REDIS_UP.set(1)
    _count(markets)
    ages = services().ages.look(
        beats | {roles.HOLDER + holder: one for holder, one in feeds.items()}
    )
    living = [
        one.detail for name, one in feeds.items() if ages[roles.HOLDER + name] <= roles.AWAY_MS
    ]
    metrics.FEEDS.set(len(living))
    found = {role: _role(beats.get(role), ages.get(role)) for role in ROLES}
    for role, one in found.items():
        silent_ms = services().ages.missing_ms(role) if one["age_ms"] is None else one["age_ms"]
        metrics.ROLE_AGE.labels(role).set(silent_ms / 1000)
    fetcher = found["fetcher"]["detail"] if found["fetcher"]["alive"] else None
    said["warnings"] += [*_stream_warnings(living, markets), *_settings_warnings(living, fetcher)]
    report = {
        "ready": worst(problems) is None and all(role["alive"] for role in found.values()),
        "redis": "answers",
        "roles": found,
        "markets": {symbol: fresh.fields() for symbol, fresh in markets.items()},
        **said,
    }
    return report, RoleFigures(fetcher, living)


def _role(beat: RoleHeartbeat | None, age_ms: int | None) -> dict[str, Any]:
    return {
        "alive": age_ms is not None and age_ms <= roles.AWAY_MS,
        "age_ms": age_ms,
        "detail": beat.detail if beat else {},
    }


def _stream_warnings(
    feeds: Sequence[Mapping[str, Any]], markets: Mapping[str, Freshness]
) -> list[str]:
    """One for a feed that has tried to connect, and never has."""
    if not any(one.get("connects") == 0 and one.get("failures") for one in feeds):
        return []
    why = next((one.why for one in markets.values() if one.state == "offline"), "")
    return [f"{NEVER_CONNECTED} {why}".strip()]


def _settings_warnings(
    feeds: Sequence[Mapping[str, Any]], fetcher: Mapping[str, Any] | None
) -> list[str]:
    """One for each setting that the roles have to agree on, and do not."""
    said = {"feed": feeds, "fetcher": [fetcher] if fetcher else []}
    return shared_settings.differences("the web role", services().settings, said)


def _problems() -> Sequence[ServerProblem]:
    """What is wrong with Redis now; it is counted, too."""
    problems = services().server_monitor.look()
    for kind in KINDS:
        metrics.REDIS_PROBLEM.labels(kind).set(any(one.kind == kind for one in problems))
    return problems


def _count(markets: Mapping[str, Freshness]) -> None:
    """How many markets are in each state; none while it cannot be known."""
    states = [fresh.state for fresh in markets.values()]
    for state in STATES:
        metrics.FRESHNESS.labels(state).set(states.count(state))


def _is_insider() -> bool:
    """Somebody with a session or a token; or this machine, where nothing speaks of a proxy: neither
    the settings nor the request. A proxy on this machine that adds no header looks like this
    machine itself, so one that the settings know of is reason enough to ask who it is.
    """
    settings = services().settings
    is_alone = not (settings.public_url or settings.trusted_proxies or request.environ[PASSED_ON])
    return (is_alone and _is_loopback()) or _is_known()


def _is_loopback() -> bool:
    """Whether the request came from this machine and was meant for it by name."""
    name = urlsplit(f"//{request.host}").hostname or ""
    try:
        addresses = [client_address(request.environ), "127.0.0.1" if name == "localhost" else name]
        return all(ipaddress.ip_address(one).is_loopback for one in addresses)
    except ValueError:
        return False


def _is_known() -> bool:
    """Whether somebody is signed in or has a token; while Redis is away nobody is."""
    try:
        return bool(current_user.is_authenticated)
    except StoreError:
        return False


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    response = Response(json.dumps(body), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response

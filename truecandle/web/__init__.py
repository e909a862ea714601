"""The web role: pages, REST and Socket.IO, put together by `create_app`.

Never here: routes, settings from the environment, patching (`app.py` has to be first).
Invariant: nothing is connected or started by building an app; it can be built many times.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from flask import Flask
from redis import Redis
from werkzeug.middleware.proxy_fix import ProxyFix

from truecandle.config import Settings
from truecandle.store.accounts import Accounts
from truecandle.store.clock import SharedClock
from truecandle.store.credentials import SESSION_MAX_S, CredentialStore
from truecandle.store.roles import Ages
from truecandle.store.server_monitor import ServerMonitor
from truecandle.store.second_factors import SecondFactors
from truecandle.web import (
    account,
    assets,
    audit,
    auth,
    commands,
    compression,
    corrections,
    data,
    errors,
    exchange_api,
    gaps,
    health,
    history,
    known_devices,
    live_candle,
    log,
    markets,
    pages,
    sockets,
    user_settings,
)
from truecandle.web.account_loss import AccountLoss
from truecandle.web.clock import Clocks
from truecandle.web.exchange_list import ExchangeMarkets
from truecandle.web.followed_markets import Markets
from truecandle.web.hashing_queue import HashingQueue
from truecandle.web.rate_limit import RateLimiter
from truecandle.web.security import SecurityMiddleware
from truecandle.web.server import WebServer
from truecandle.web.services import EXTENSION, Services

ROOT: Final = Path(__file__).resolve().parents[2]
BODY_BYTES_MAX: Final = 16 * 1024


#: Every path of this role is one of these modules'.
RESOURCES: Final = (
    *(pages, account, data, history, live_candle, gaps, corrections, audit, markets, exchange_api),
    *(user_settings, health),
)


def create_app(
    settings: Settings,
    redis: Redis,
    *,
    socketio_queue: bool = True,
    clock: Clocks | None = None,
) -> Flask:
    """The web application. `redis` is from `store.connect`; `clock` replaces the exchange's time as
    the other roles share it, and the machine's.

    With `socketio_queue` the events of fetcher and feed reach the browsers.
    """
    followed = Markets(redis, settings)
    app = Flask("truecandle", root_path=str(ROOT), static_folder=None)
    services = Services(
        settings=settings,
        redis=redis,
        accounts=Accounts(redis),
        credentials=CredentialStore(redis),
        factors=SecondFactors(redis),
        clock=clock or Clocks(SharedClock(redis).now_ms),
        markets=followed,
        exchange=ExchangeMarkets(redis, followed),
        rate_limiter=RateLimiter(redis),
        hashing=HashingQueue(),
        server=WebServer(settings.async_mode),
        ages=Ages(),
        server_monitor=server_monitor(settings, redis),
    )
    app.extensions[EXTENSION] = services
    configure(app, settings)
    for part in (log, errors, compression, auth, known_devices):
        part.init_app(app)
    assets.init_app(app, ROOT / "static" / "dist")
    for resource in RESOURCES:
        app.register_blueprint(resource.bp)
    commands.init_app(app)
    sockets.init_app(app, services, queue=socketio_queue)
    shield(app, settings)
    return app


def server_monitor(settings: Settings, redis: Redis) -> ServerMonitor:
    """Looks at Redis for this role, which also notices that all accounts are gone."""
    loss = AccountLoss(redis, settings.var_dir)
    return ServerMonitor(redis, settings.redis_may_evict, loss.problems)


def configure(app: Flask, settings: Settings) -> None:
    """Flask's own settings."""
    is_tls = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key or secrets.token_hex(),
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES_MAX,
        MAX_FORM_PARTS=20,
        SESSION_COOKIE_NAME=cookie_name(settings),
        SESSION_COOKIE_SECURE=is_tls,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=SESSION_MAX_S),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        PROPAGATE_EXCEPTIONS=False,
    )


def cookie_name(settings: Settings) -> str:
    """Cookies know no ports: without one in their name, servers at one host would mix theirs."""
    if not settings.public_url.startswith("https://"):
        return f"truecandle-{settings.port}"
    port = urlsplit(settings.public_url).port
    return "__Host-truecandle" if port in (None, 443) else f"__Host-truecandle-{port}"


def shield(app: Flask, settings: Settings) -> None:
    """What stands around Flask and Socket.IO alike."""
    if settings.public_url.startswith("https://"):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    app.wsgi_app = SecurityMiddleware(app.wsgi_app, settings.public_url)  # type: ignore[method-assign]

"""The web role: pages, REST and Socket.IO, put together by `create_app`.

Never here: routes, settings from the environment, patching (`app.py` has to be first).
Invariant: nothing is connected or started by building an app; it can be built many times.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

from flask import Flask
from redis import Redis

from truecandle.config import Settings
from truecandle.store.accounts import Accounts
from truecandle.store.clock import SharedClock
from truecandle.store.credentials import SESSION_MAX_S, CredentialStore
from truecandle.store.roles import Ages
from truecandle.store.second_factors import SecondFactors
from truecandle.store.server_monitor import ServerMonitor
from truecandle.store.versions import VersionReader
from truecandle.tracing.spans import Tracing
from truecandle.web import (
    account,
    assets,
    asyncapi,
    audit,
    auth,
    binance_api,
    commands,
    compression,
    corrections,
    data,
    drawings,
    errors,
    event_stream,
    exchange_api,
    gaps,
    health,
    history,
    known_devices,
    layouts,
    live_candle,
    log,
    markets,
    openapi,
    pages,
    read_limit,
    sockets,
    streams,
    study_templates,
    udf,
    user_settings,
)
from truecandle.web.account_loss import AccountLoss
from truecandle.web.checked_readers import CheckedReaders
from truecandle.web.clock import Clocks
from truecandle.web.column_answers import ColumnAnswers
from truecandle.web.cors import CorsMiddleware
from truecandle.web.data_door import DataDoor
from truecandle.web.event_subscriber import Hearing
from truecandle.web.exchange_list import ExchangeMarkets
from truecandle.web.followed_markets import Markets
from truecandle.web.forwarded import ForwardedMiddleware
from truecandle.web.hashing_queue import HashingQueue
from truecandle.web.rate_limit import RateLimiter
from truecandle.web.read_quota import ReadCounter
from truecandle.web.read_turns import ReadTurns
from truecandle.web.request_ids import RequestIdMiddleware
from truecandle.web.request_traces import RequestTraceMiddleware
from truecandle.web.security import SecurityMiddleware
from truecandle.web.server import WebServer
from truecandle.web.services import EXTENSION, Services
from truecandle.web.shared_address import SharedAddress
from truecandle.web.sub_path import SubPathMiddleware

ROOT: Final = Path(__file__).resolve().parents[2]
BODY_BYTES_MAX: Final = 16 * 1024


#: Every path of this role is one of these modules'.
RESOURCES: Final = (
    *(pages, account, data, history, live_candle, gaps, corrections, audit, markets, exchange_api),
    *(user_settings, drawings, layouts, study_templates, binance_api, streams, udf, event_stream),
    *(health, openapi, asyncapi),
)


def create_app(
    settings: Settings,
    redis: Redis,
    *,
    socketio_queue: bool = True,
    clock: Clocks | None = None,
    tracing: Tracing | None = None,
) -> Flask:
    """The web application. `redis` is from `store.connect`; `clock` replaces the exchange's time as
    the other roles share it, and the machine's; `tracing` is from `tracing.opened`.

    With `socketio_queue` the events of fetcher and feed reach the browsers.
    """
    app = Flask("truecandle", root_path=str(ROOT), static_folder=None)
    services = parts(settings, redis, clock or Clocks(SharedClock(redis).now_ms), tracing)
    app.extensions[EXTENSION] = services
    configure(app, settings)
    for part in (log, errors, compression, auth, known_devices, read_limit):
        part.init_app(app)
    assets.init_app(app, ROOT / "static" / "dist", settings.base_path)
    for resource in RESOURCES:
        app.register_blueprint(resource.bp)
    commands.init_app(app)
    sockets.init_app(app, services, queue=socketio_queue)
    app.wsgi_app = DataDoor(app.wsgi_app, services)  # type: ignore[method-assign]
    shield(app, services)
    return app


def parts(settings: Settings, redis: Redis, clock: Clocks, tracing: Tracing | None) -> Services:
    """What requests are answered with."""
    followed, server, hearing = Markets(redis, settings), WebServer(settings), Hearing()
    return Services(
        settings=settings,
        redis=redis,
        accounts=Accounts(redis),
        credentials=CredentialStore(redis),
        factors=SecondFactors(redis),
        clock=clock,
        markets=followed,
        exchange=ExchangeMarkets(redis, followed),
        rate_limiter=RateLimiter(redis),
        hashing=HashingQueue(),
        server=server,
        ages=Ages(),
        server_monitor=server_monitor(settings, redis, hearing),
        shared_address=SharedAddress(),
        hearing=hearing,
        read_counter=ReadCounter(settings.reads_per_minute),
        read_turns=ReadTurns(),
        versions=VersionReader(redis),
        checked_readers=CheckedReaders(clock.machine_ms),
        column_answers=ColumnAnswers(redis, server),
        tracing=tracing,
    )


def server_monitor(settings: Settings, redis: Redis, hearing: Hearing) -> ServerMonitor:
    """Looks at Redis for this role, which also notices that all accounts are gone, and that events
    are not heard."""
    loss = AccountLoss(redis, settings.var_dir)
    further = lambda: (*loss.problems(), *hearing.problems())  # noqa: E731
    return ServerMonitor(redis, settings.redis_may_evict, further)


def configure(app: Flask, settings: Settings) -> None:
    """Flask's own settings."""
    key = settings.secret_key or secrets.token_hex()
    app.config.update(
        SECRET_KEY=key,
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES_MAX,
        MAX_FORM_PARTS=20,
        SESSION_COOKIE_NAME=cookie_name(settings, key),
        SESSION_COOKIE_PATH=settings.base_path or "/",
        SESSION_COOKIE_SECURE=settings.is_tls,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=SESSION_MAX_S),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        PROPAGATE_EXCEPTIONS=False,
    )


def cookie_name(settings: Settings, key: str) -> str:
    """The same in every process of one installation: by the key that signs the cookie, and by where
    browsers find the page. Another one in every other installation: cookies know no ports, so
    without a part of its own in the name, servers at one host would mix theirs.
    """
    place = f"the name of the cookie at {settings.public_url}"
    name = hmac.digest(key.encode(), place.encode(), "sha256").hex()[:8]
    prefix = "" if not settings.is_tls else "__Secure-" if settings.base_path else "__Host-"
    return f"{prefix}truecandle-{name}"


def shield(app: Flask, services: Services) -> None:
    """What stands around Flask and Socket.IO alike, from the inside out."""
    settings, outer = services.settings, cast(Any, app.wsgi_app)
    if settings.cors_origins:
        outer = CorsMiddleware(outer, settings.cors_origins, read_limit.paths(app))
    outer = SecurityMiddleware(SubPathMiddleware(outer, settings.base_path), settings)
    outer = ForwardedMiddleware(outer, settings.trusted_proxies, services.shared_address)
    if services.tracing is not None:
        outer = RequestTraceMiddleware(outer, services.tracing)
    app.wsgi_app = RequestIdMiddleware(outer)  # type: ignore[method-assign]

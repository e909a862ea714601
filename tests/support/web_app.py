"""The web application in this process, a browser that asks it, and candles to ask for.

Never here: eventlet (its tests run `app.py` as a process, `web_process`), assertions.
Invariant: it is `NOW_MS`, for the exchange and the machine, unless a test moves the `Time`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import Series, parse_series
from truecandle.config import Settings
from truecandle.store import connect, live, official
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import CredentialStore, Scope
from truecandle.web import create_app, passwords
from truecandle.web.clock import Clocks

HOUR_MS = 3_600_000
#: 2024-01-01T20:30:00Z: the hour that began at 20:00 is forming.
NOW_MS = 1_704_141_000_000
FORMING_MS = NOW_MS - NOW_MS % HOUR_MS
PASSWORD = "correct horse battery"
#: Of the same kind as the application's own, at hardly any cost.
CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HOURLY = parse_series("BTCUSDT", "1h")
MARKET = {
    b"klines_z",
    b"klines_meta",
    b"live_candle",
    b"own_candle",
    b"pending_z",
    b"history_wishes",
    b"history_job",
    b"corrections",
    b"markets",
}


@dataclass
class Time:
    """The exchange's time in ms, which the machine's time of day agrees with."""

    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def seconds(self) -> float:
        return self.ms / 1000


class Browser:
    """A test client that keeps cookies and sends the page's CSRF token, as the page does."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def csrf(self) -> str:
        page = self.client.get("/login", follow_redirects=True).text
        token = re.search(r'name="csrf-token" content="([^"]+)"', page)
        assert token
        return token[1]

    def sign_in(self, name: str, password: str, **form: str) -> TestResponse:
        fields = {"username": name, "password": password, "csrf_token": self.csrf(), **form}
        return self.client.post("/login", data=fields)

    def post(self, path: str, body: object, **headers: str) -> TestResponse:
        return self.client.post(path, json=body, headers={"X-CSRFToken": self.csrf(), **headers})

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers)


def said(answer: TestResponse) -> dict[str, Any]:
    """The JSON object of an answer."""
    body = answer.get_json()
    assert isinstance(body, dict), answer.text
    return body


def page_config(browser: Browser, path: str) -> dict[str, Any]:
    """What the page is told with its HTML; numbers with a fraction stay text."""
    page = browser.get(path).text
    found = re.search(r'<script type="application/json" id="config">(.*?)</script>', page)
    assert found
    parsed: dict[str, Any] = json.loads(found[1], parse_float=str)
    return parsed


def build(settings: Settings, clock: Time | None = None, **changed: object) -> Flask:
    """An app of its own, with other settings than usual."""
    given = replace(settings, **changed)  # type: ignore[arg-type]
    time = clock or Time()
    return create_app(
        given,
        connect(given.redis_url, timeout_s=10),
        socketio_queue=False,
        clock=Clocks(time.now_ms, time.seconds),
    )


def known_hash() -> str:
    """Of `PASSWORD`, always the same one; at the cost that is in force."""
    return _hash_by(passwords._HASHER)


@cache
def _hash_by(hasher: PasswordHasher) -> str:
    return hasher.hash(PASSWORD)


def issue(redis: Redis, scope: Scope = "read", user: str = "ann") -> dict[str, str]:
    """The header of a new token."""
    Accounts(redis).add(user, known_hash(), NOW_MS, "admin")
    secret = CredentialStore(redis).issue(user, "test", scope, NOW_MS)
    assert secret
    return {"Authorization": f"Bearer {secret}"}


def store_hours(redis: Redis, count: int, series: Series = HOURLY) -> list[int]:
    """`count` official candles, the last of them the newest closed one; their open times."""
    opens = [FORMING_MS - i * HOUR_MS for i in range(count, 0, -1)]
    rows = [
        [ms, "42000.10000000", "42100.00", f"{41000 + i}.5", "42050.01000000", "12.34567000",
         ms + HOUR_MS - 1, "1.5", 7, "1.0", "0.5", "0"]
        for i, ms in enumerate(opens)
    ]  # fmt: skip
    official.upsert_klines(redis, series, rows, now_ms=NOW_MS, settle_ms=3000)
    return opens


def store_live(redis: Redis, open_ms: int, close: str = "42060", **fields: object) -> LiveCandle:
    """A candle of our feed, saved as it would be while it formed."""
    candle = LiveCandle(
        open_ms=open_ms, open="42050.01", high="42090", low="42001.5", close=close, volume="3.25",
        trades=11, source="live", is_complete=False, updated_at=open_ms + 1000,
    )  # fmt: skip
    candle = replace(candle, **fields)  # type: ignore[arg-type]
    live.save_live(redis, HOURLY, candle, now_ms=open_ms + 1000)
    return candle


def snapshot(redis: Redis) -> bytes:
    """Every market key with its value."""
    found = sorted(key for key in redis.scan_iter(count=1000) if key.split(b":")[0] in MARKET)
    return b"".join(key + (redis.dump(key) or b"") for key in found)

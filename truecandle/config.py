"""Settings: read once from the environment, checked together, then frozen.

Never here: `os.environ` (the entry files hand the environment in), defaults hidden elsewhere.
Invariant: a `Settings` that exists is usable; what is wrong is reported all at once, by name.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from truecandle.candles.interval import INTERVALS, parse_interval
from truecandle.candles.series import Series, parse_symbol
from truecandle.errors import CandleError, SettingsError

T = TypeVar("T")

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
SYMBOLS_MAX = 200
HISTORY_CANDLES_MAX = 100_000
SECRET_KEY_CHARS_MIN = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of TrueCandle. Units are in the names; `INTERVALS` is case-sensitive.

    `public_url` is where browsers find the page, if not at an address or a bare host name. With
    `https://` a proxy in front ends TLS, and what it says about the client is believed.
    """

    redis_url: str = "redis://127.0.0.1:6390/0"
    binance_rest_url: str = "https://data-api.binance.vision"
    binance_ws_url: str = "wss://data-stream.binance.vision"
    binance_archive_url: str = "https://data.binance.vision"
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    intervals: tuple[str, ...] = ("1m", "5m", "15m", "1h", "4h", "1d")
    history_candles: int = 1000
    settle_ms: int = 3000
    host: str = "127.0.0.1"
    port: int = 5000
    secret_key: str = ""
    public_url: str = ""
    public_reads: bool = False
    async_mode: str = "eventlet"
    simulated: bool = False
    var_dir: Path = Path("var")

    @property
    def series(self) -> tuple[Series, ...]:
        """Every followed market at every followed interval."""
        return tuple(
            Series(symbol, INTERVALS[interval])
            for symbol in self.symbols
            for interval in self.intervals
        )


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in an environment; raises one `SettingsError` that lists all wrong ones.

    An empty value counts as not set. Without `SECRET_KEY` one is made and kept in `VAR_DIR`.
    """
    reader = _Reader(environ)
    default = Settings()
    host = reader.read("HOST", _text, default.host)
    var_dir = reader.read("VAR_DIR", Path, default.var_dir)
    settings = Settings(
        redis_url=reader.read("REDIS_URL", _url("redis", "rediss"), default.redis_url),
        binance_rest_url=reader.read(
            "BINANCE_REST_URL", _url("https", "http"), default.binance_rest_url
        ),
        binance_ws_url=reader.read("BINANCE_WS_URL", _url("wss", "ws"), default.binance_ws_url),
        binance_archive_url=reader.read(
            "BINANCE_ARCHIVE_URL", _url("https", "http"), default.binance_archive_url
        ),
        symbols=reader.read("SYMBOLS", _symbols, default.symbols),
        intervals=reader.read("INTERVALS", _intervals, default.intervals),
        history_candles=reader.read(
            "HISTORY_CANDLES", _whole(1, HISTORY_CANDLES_MAX), default.history_candles
        ),
        settle_ms=reader.read("SETTLE_MS", _whole(0, 60_000), default.settle_ms),
        host=host,
        port=reader.read("PORT", _whole(1, 65_535), default.port),
        secret_key=reader.read("SECRET_KEY", _secret_key(host), ""),
        public_url=reader.read("PUBLIC_URL", _url("https", "http"), default.public_url),
        public_reads=reader.read("PUBLIC_READS", _switch, default.public_reads),
        async_mode=reader.read(
            "ASYNC_MODE", _one_of("eventlet", "gevent", "threading"), default.async_mode
        ),
        simulated=reader.read("SIMULATED", _switch, default.simulated),
        var_dir=var_dir,
    )
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


def stored_secret_key(var_dir: Path) -> str:
    """The secret key kept in `var_dir`, made on first use and readable by its owner alone."""
    path = var_dir / "secret_key"
    var_dir.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "x", encoding="ascii", opener=_private) as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()


class _Reader:
    """Reads values one by one and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._environ.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, CandleError) as error:
            shown = "(not shown)" if name == "SECRET_KEY" else repr(text)
            self.problems.append(f"{name}={shown}: {error}")
            return default


def _text(text: str) -> str:
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"allowed: a URL beginning with {' or '.join(schemes)}://")
        return text.rstrip("/")

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"allowed: a whole number from {low} to {high}")
        return int(text)

    return parse


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"allowed: {', '.join(allowed)}")
        return text

    return parse


def _switch(text: str) -> bool:
    return _one_of("0", "1")(text) == "1"


def _symbols(text: str) -> tuple[str, ...]:
    symbols = tuple(dict.fromkeys(parse_symbol(item) for item in _items(text)))
    if not 1 <= len(symbols) <= SYMBOLS_MAX:
        raise ValueError(f"allowed: 1 to {SYMBOLS_MAX} symbols, separated by commas")
    return symbols


def _intervals(text: str) -> tuple[str, ...]:
    wanted = {parse_interval(item).name for item in _items(text)}
    if not wanted:
        raise ValueError(f"allowed: one or more of {', '.join(INTERVALS)}")
    return tuple(name for name in INTERVALS if name in wanted)


def _secret_key(host: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        is_weak = len(text) < SECRET_KEY_CHARS_MIN or len(set(text)) < 8
        if is_weak and host not in LOOPBACK_HOSTS:
            raise ValueError(
                f"allowed beyond loopback: {SECRET_KEY_CHARS_MIN} or more random characters"
            )
        return text

    return parse


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

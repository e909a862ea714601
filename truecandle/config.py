"""Settings: read once from the environment, checked together, then frozen.

Never here: `os.environ` (the entry files hand the environment in), defaults hidden elsewhere.
Invariant: a `Settings` that exists is usable; what is wrong is reported all at once, by name.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

from truecandle.candles.decimals import whole_in_text
from truecandle.candles.interval import INTERVALS, parse_interval
from truecandle.candles.series import Series, parse_symbol
from truecandle.egress import Egress, egress_problems, read_egress
from truecandle.errors import CandleError, SettingsError
from truecandle.secret_values import (
    SECRET_KEY_CHARS_MIN,
    Headers,
    headers,
    is_weak,
    webhook_secret,
    without_values,
)
from truecandle.trace_settings import share, traces_url
from truecandle.urls import (
    PORT_MAX,
    is_host,
    page_url,
    path_of,
    redis_url,
    service_url,
    without_password,
    without_path,
)

T = TypeVar("T")
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
SYMBOLS_MAX = 200
HISTORY_CANDLES_MAX = 100_000
HISTORY_STORED_MAX = 10_000_000
SEAL_AFTER_MAX = 10_000_000
TRADES_KEPT_MAX = 10_000
READS_PER_MINUTE_MAX = 1_000_000
TRUSTED_PROXIES_MAX = 100
CORS_ORIGINS_MAX = 100
WEBHOOK_URLS_MAX = 5
#: Larger files hold no setting.
FILE_BYTES_MAX = 4_096
#: The exit code of whatever ends because of wrong settings.
WRONG_SETTINGS = 2
#: What is shown of a value that may hold a secret.
HIDDEN = "(not shown)"
#: Of a wrong value at most so much is shown, and nothing at all of those that may hold a secret.
SHOWN_CHARS_MAX = 80


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of TrueCandle. Units are in the names; `INTERVALS` is case-sensitive.

    `public_url` is where browsers find the page, if not at an address or a bare host name; with
    `https://` a proxy in front ends TLS. What proxies say about the client is believed from
    `trusted_proxies` alone, addresses and networks. Pages of `cors_origins` may read REST by token.
    `egress` is the way out to the exchange, as the variables say that all programs share.
    `mirror_dir` is where `flask mirror` writes. What may hold a secret is left out of its text.
    """

    redis_url: str = field(default="redis://127.0.0.1:6390/0", repr=False)
    binance_rest_url: str = field(default="https://data-api.binance.vision", repr=False)
    binance_ws_url: str = field(default="wss://data-stream.binance.vision", repr=False)
    binance_archive_url: str = field(default="https://data.binance.vision", repr=False)
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    intervals: tuple[str, ...] = ("1m", "5m", "15m", "1h", "4h", "1d")
    history_candles: int = 1000
    history_stored_max: int = 200_000
    seal_after: int = 50_000
    trades_kept: int = 0
    settle_ms: int = 3000
    follows_per_user: int = 20
    host: str = "127.0.0.1"
    port: int = 5000
    secret_key: str = field(default="", repr=False)
    public_url: str = field(default="", repr=False)
    trusted_proxies: tuple[IPNetwork, ...] = ()
    hsts_subdomains: bool = False
    public_reads: bool = False
    cors_origins: tuple[str, ...] = ()
    reads_per_minute: int = 1200
    async_mode: str = "eventlet"
    simulated: bool = False
    redis_may_evict: bool = False
    log_format: str = "text"
    mirror_dir: str = ""
    webhook_urls: tuple[str, ...] = field(default=(), repr=False)
    webhook_secret: str = field(default="", repr=False)
    webhook_symbols: tuple[str, ...] = ()
    webhook_intervals: tuple[str, ...] = ()
    traces_url: str = field(default="", repr=False)
    traces_headers: Headers = field(default=(), repr=False)
    traces_sample: float = 0.01
    var_dir: Path = Path("var")
    egress: Egress = field(default=Egress(), repr=False)

    @property
    def is_tls(self) -> bool:
        """Whether browsers come by TLS."""
        return self.public_url.startswith("https://")

    @property
    def base_path(self) -> str:
        """Below which path browsers find the page; "" where it has its host to itself."""
        return path_of(self.public_url)

    @property
    def series(self) -> tuple[Series, ...]:
        """Every followed market at every followed interval."""
        return tuple(
            Series(symbol, INTERVALS[interval])
            for symbol in self.symbols
            for interval in self.intervals
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it stands: its value as it may be shown, the variable that it comes from (""
    for a default, `NAME_FILE` for a file), and what is wrong with it in a sentence ("": nothing).
    """

    name: str
    shown: str
    source: str
    problem: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in an environment; raises one `SettingsError` that lists all wrong ones.

    An empty value counts as not set. Those that hold a secret may stand in a file that `NAME_FILE`
    names: others see an environment. Without `SECRET_KEY` one is made and kept in `VAR_DIR`.
    """
    reader = _Reader(environ)
    settings = _read(reader)
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


def list_settings(environ: Mapping[str, str]) -> list[Setting]:
    """Every setting as it stands in an environment, wrong ones too; nothing secret is in it."""
    reader = _Reader(environ)
    _read(reader)
    return reader.found


def _read(reader: _Reader) -> Settings:
    """As they are, and what is missing of them."""
    settings = replace(_read_each(reader, Settings()), egress=read_egress(reader.environ))
    urls = (settings.binance_rest_url, settings.binance_ws_url, settings.binance_archive_url)
    traces = filter(None, [settings.traces_url])
    reader.problems += egress_problems(settings.egress, (*urls, *traces))
    if settings.webhook_urls and not settings.webhook_secret:
        reader.miss("WEBHOOK_SECRET", "it is needed with WEBHOOK_URLS")
    return settings


def _read_each(reader: _Reader, default: Settings) -> Settings:
    host, hidden = reader.read("HOST", _host, default.host), reader.read_hidden
    return Settings(
        redis_url=hidden("REDIS_URL", redis_url, default.redis_url, without_password),
        binance_rest_url=hidden("BINANCE_REST_URL", _HTTP, default.binance_rest_url, str),
        binance_ws_url=hidden("BINANCE_WS_URL", _STREAM, default.binance_ws_url, str),
        binance_archive_url=hidden("BINANCE_ARCHIVE_URL", _HTTP, default.binance_archive_url, str),
        symbols=reader.read("SYMBOLS", _symbols, default.symbols),
        intervals=reader.read("INTERVALS", _intervals, default.intervals),
        history_candles=reader.read("HISTORY_CANDLES", _HISTORY, default.history_candles),
        history_stored_max=reader.read("HISTORY_STORED_MAX", _STORED, default.history_stored_max),
        seal_after=reader.read("SEAL_AFTER", _whole(0, SEAL_AFTER_MAX), default.seal_after),
        trades_kept=reader.read("TRADES_KEPT", _whole(0, TRADES_KEPT_MAX), default.trades_kept),
        settle_ms=reader.read("SETTLE_MS", _whole(0, 60_000), default.settle_ms),
        follows_per_user=reader.read("FOLLOWS_PER_USER", _FOLLOWS, default.follows_per_user),
        host=host,
        port=reader.read("PORT", _whole(1, PORT_MAX), default.port),
        secret_key=hidden("SECRET_KEY", _secret_key(host), ""),
        public_url=hidden("PUBLIC_URL", page_url, default.public_url, str),
        trusted_proxies=reader.read("TRUSTED_PROXIES", _networks, default.trusted_proxies),
        hsts_subdomains=reader.read("HSTS_SUBDOMAINS", _switch, default.hsts_subdomains),
        public_reads=reader.read("PUBLIC_READS", _switch, default.public_reads),
        cors_origins=reader.read("CORS_ORIGINS", _origins, default.cors_origins),
        reads_per_minute=reader.read("READS_PER_MINUTE", _READS, default.reads_per_minute),
        async_mode=reader.read("ASYNC_MODE", _MODE, default.async_mode),
        simulated=reader.read("SIMULATED", _switch, default.simulated),
        redis_may_evict=reader.read("REDIS_MAY_EVICT", _switch, default.redis_may_evict),
        log_format=reader.read("LOG_FORMAT", _one_of("text", "json"), default.log_format),
        mirror_dir=reader.read("MIRROR_DIR", _folder, default.mirror_dir),
        webhook_urls=hidden("WEBHOOK_URLS", _webhook_urls, (), _without_paths),
        webhook_secret=hidden("WEBHOOK_SECRET", webhook_secret, ""),
        webhook_symbols=reader.read("WEBHOOK_SYMBOLS", _symbols, default.webhook_symbols),
        webhook_intervals=reader.read("WEBHOOK_INTERVALS", _intervals, default.webhook_intervals),
        traces_url=hidden("TRACES_URL", traces_url, default.traces_url, str),
        traces_headers=hidden("TRACES_HEADERS", headers, (), without_values),
        traces_sample=reader.read("TRACES_SAMPLE", share, default.traces_sample),
        var_dir=reader.read("VAR_DIR", Path, default.var_dir),
    )


def require_settings(environ: Mapping[str, str]) -> Settings:
    """As `read_settings`, for entry files: wrong settings end the process, a sentence each."""
    try:
        return read_settings(environ)
    except SettingsError as error:
        refuse_settings(error)


def require_secret_key(settings: Settings) -> Settings:
    """With the key that is kept in `var_dir` where none is given; ends the process as that does."""
    try:
        key = settings.secret_key or stored_secret_key(settings.var_dir)
    except SettingsError as error:
        refuse_settings(error)
    return replace(settings, secret_key=key)


def refuse_settings(why: SettingsError | str) -> NoReturn:
    """Ends the process because of wrong settings."""
    print(why, file=sys.stderr)
    sys.exit(WRONG_SETTINGS)


def stored_secret_key(var_dir: Path) -> str:
    """The secret key kept in `var_dir`, made on first use and readable by its owner alone.

    Raises a `SettingsError` where there can be none.
    """
    path = var_dir / "secret_key"
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_key(path)
        key = path.read_text(encoding="ascii").strip()
    except OSError as error:
        what = f"{error.strerror}; allowed: a folder that can be written"
        raise SettingsError([f"VAR_DIR={_shown(str(var_dir))}: {what}"]) from None
    except UnicodeDecodeError:
        key = ""
    if len(key) < SECRET_KEY_CHARS_MIN:
        what = "its file secret_key holds no key; remove it, and a new one is made"
        raise SettingsError([f"VAR_DIR={_shown(str(var_dir))}: {what}"])
    return key


class _Reader:
    """Reads values one by one, and keeps how each stands and what is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []
        self.found: list[Setting] = []

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """For a value that never holds a secret: where it is wrong it is shown."""
        text = self._text(name)
        return self._parsed(name, _shown(text), (text, name), parse, default, as_text)

    def read_hidden(
        self,
        name: str,
        parse: Callable[[str], T],
        default: T,
        show: Callable[[T], str] = lambda value: HIDDEN if value else "",
    ) -> T:
        """For a value that may hold a secret: where it is wrong nothing of it is shown, and `parse`
        quotes none. `show` leaves the secret out of a right one."""
        text, source = self._text(name), name
        if not text:
            source = f"{name}_FILE"
            text = self._file(source)
        return self._parsed(name, HIDDEN, (text, source), parse, default, show)

    def miss(self, name: str, why: str) -> None:
        """A setting that is not given is needed, unless it was given and is wrong."""
        for at, one in enumerate(self.found):
            if one.name == name and not one.problem:
                problem = f"{name}= {why}"
                self.problems.append(problem)
                self.found[at] = replace(one, problem=problem)

    def _file(self, name: str) -> str:
        """What stands in the file that this setting names."""
        path = self._text(name)
        if not path:
            return ""
        try:
            with open(path, encoding="ascii") as file:
                return file.read(FILE_BYTES_MAX).strip()
        except OSError as error:
            what = f"{error.strerror}; allowed: a file that can be read"
        except UnicodeDecodeError:
            what = "allowed: a file of ASCII text"
        problem = f"{name}={_shown(path)}: {what}"
        self.problems.append(problem)
        self.found.append(Setting(name, path, name, problem))
        return ""

    def _text(self, name: str) -> str:
        return self.environ.get(name, "").strip()

    def _parsed(
        self,
        name: str,
        shown: str,
        given: tuple[str, str],
        parse: Callable[[str], T],
        default: T,
        show: Callable[[T], str],
    ) -> T:
        text, source = given
        if not text:
            self.found.append(Setting(name, show(default), "", ""))
            return default
        try:
            value = parse(text)
        except (ValueError, CandleError) as error:
            self.problems.append(f"{name}={shown}: {error}")
            self.found.append(Setting(name, shown, source, self.problems[-1]))
            return default
        self.found.append(Setting(name, show(value), source, ""))
        return value


def as_text(value: object) -> str:
    """A setting's value as it is written in an environment."""
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _shown(text: str) -> str:
    shown = ascii(text)
    return shown if len(shown) <= SHOWN_CHARS_MAX else f"{shown[: SHOWN_CHARS_MAX - 1]}…"


def _host(text: str) -> str:
    if not is_host(text):
        raise ValueError("allowed: an IP address (IPv6 without brackets) or the name of a host")
    return text


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = whole_in_text(text, low, high)
        if number is None:
            raise ValueError(f"allowed: a whole number from {low} to {high}")
        return number

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
        if is_weak(text) and host not in LOOPBACK_HOSTS:
            raise ValueError(
                f"allowed beyond loopback: {SECRET_KEY_CHARS_MIN} or more random characters"
            )
        return text

    return parse


def _networks(text: str) -> tuple[IPNetwork, ...]:
    items = _items(text)
    try:
        networks = tuple(dict.fromkeys(ipaddress.ip_network(item) for item in items))
    except ValueError:
        networks = ()
    if not 1 <= len(networks) <= TRUSTED_PROXIES_MAX or any(not one.prefixlen for one in networks):
        raise ValueError(
            f"allowed: 1 to {TRUSTED_PROXIES_MAX} addresses and networks, separated by commas, as "
            "127.0.0.1, 172.18.0.0/16 (no bits beyond the mask) or fd00::/8; not all there are"
        )
    return networks


def _origins(text: str) -> tuple[str, ...]:
    """Origins as browsers write them: without the port that their scheme has anyway."""
    found = tuple(dict.fromkeys(item if item == "*" else _origin(item) for item in _items(text)))
    if not 1 <= len(found) <= CORS_ORIGINS_MAX or ("*" in found and len(found) > 1):
        raise ValueError(
            f"allowed: 1 to {CORS_ORIGINS_MAX} origins, separated by commas, as "
            "https://charts.example; or * alone"
        )
    return found


def _origin(text: str) -> str:
    origin = _ORIGIN(text).lower()
    return origin.removesuffix({"https": ":443", "http": ":80"}[origin.partition(":")[0]])


def _webhook_urls(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_items(text)))
    if not 1 <= len(found) <= WEBHOOK_URLS_MAX:
        raise ValueError(f"allowed: 1 to {WEBHOOK_URLS_MAX} URLs, separated by commas")
    for url in found:
        _HTTP(url)
    return found


def _without_paths(urls: tuple[str, ...]) -> str:
    return ",".join(map(without_path, urls))


def _folder(text: str) -> str:
    if not Path(text).is_absolute():
        raise ValueError("allowed: the path of a folder, from the root on")
    return text


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _make_key(path: Path) -> None:
    """Makes the file whole or not at all: another process may look for it at the same moment."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with open(draft, "x", encoding="ascii", opener=_private) as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


_private = partial(os.open, mode=0o600)
_HTTP = service_url("https", "http", has_path=True)
_ORIGIN = service_url("https", "http", has_path=False)
_STREAM = service_url("wss", "ws", has_path=True)
_HISTORY = _whole(1, HISTORY_CANDLES_MAX)
_FOLLOWS = _whole(0, SYMBOLS_MAX)
_READS = _whole(1, READS_PER_MINUTE_MAX)
_STORED = _whole(1, HISTORY_STORED_MAX)
_MODE = _one_of("eventlet", "gevent", "threading")

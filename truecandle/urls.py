"""URLs of settings: one strict reader, so that whoever opens one does what it looks like.

redis-py and its neighbours guess: `redis://host/abc` is database 0 to them, `/0/1` is database 1,
port 0 is the default one, and a password that holds `/`, `?` or `#` ends where that stands.

Never here: which setting is which (`config`), connecting.
Invariant: no word of a refusal is taken from the URL, which may hold a password.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote

import idna

from truecandle.candles.decimals import whole_in_text

REDIS_SCHEMES: Final = ("redis", "rediss")
#: Redis counts its databases by an int. How many a server really has, only it knows.
DATABASE_MAX: Final = 2**31 - 2
PORT_MAX: Final = 65_535
#: What `rediss://` may say about TLS, and the values it may have; None: a path.
TLS_OPTIONS: Final[dict[str, tuple[str, ...] | None]] = {
    "ssl_cert_reqs": ("none", "optional", "required"),
    "ssl_check_hostname": ("true", "false"),
    "ssl_ca_certs": None,
    "ssl_certfile": None,
    "ssl_keyfile": None,
}
REDIS_ALLOWED: Final = (
    "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS with options "
    f"?{'=…&'.join(TLS_OPTIONS)}=…; in USER and PASSWORD every character but letters, digits and "
    "-._~ percent-encoded (/ is %2F, ? is %3F, # is %23, @ is %40)"
)

PROXY_ALLOWED: Final = (
    "[http://][USER[:PASSWORD]@]HOST[:PORT], no SOCKS and no https://; in USER and PASSWORD every "
    "character but letters, digits and -._~ percent-encoded"
)

_PRINTABLE: Final = re.compile(r"[!-~]+")
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%-]*")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_~!$&'()*+,;=:%.-]+")
_PLACE: Final = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:\[\]]*))(?P<colon>:(?P<port>.*))?")
_FILE: Final = re.compile(r"[A-Za-z0-9_~%./-]+")
#: Scheme, host and the rest of a URL whose host may be an international name.
_AUTHORITY: Final = re.compile(r"(?P<scheme>https?://)(?P<host>[^/?#@:\[\]\s]+)(?P<rest>.*)")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PAGE_PATH: Final = re.compile(r"(?:[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*)?")
_HOST_CHARS_MAX: Final = 253
#: What other clients call a Redis that is several servers: none of it is spoken here.
_SEVERAL_SERVERS: Final = re.compile(
    r"(?:rediss?[+-]?)?(?:sentinel|cluster)s?(?:[+-]rediss?)?:", re.IGNORECASE
)
_ONE_REDIS: Final = "Redis Sentinel and Redis Cluster are not supported; use one Redis"


class _Parts(NamedTuple):
    """A URL cut at its own marks; `login` is None where there is no `@`."""

    login: str | None
    place: str
    path: str
    query: str


def redis_url(text: str) -> str:
    """The URL of a Redis, unchanged. Raises `ValueError`, which says what is allowed."""
    if _SEVERAL_SERVERS.match(text):
        raise ValueError(f"{_ONE_REDIS}; allowed: {REDIS_ALLOWED}")
    try:
        parts = _cut(text, REDIS_SCHEMES)
        if "," in parts.place:
            raise ValueError(f"it names several hosts ({_ONE_REDIS})")
        if parts.login is not None:
            _check_login(parts.login)
        _check_place(parts.place)
        _check_database(parts.path)
        _check_options(parts.query, is_tls=text.startswith("rediss:"))
    except ValueError as error:
        raise ValueError(f"{error}; allowed: {REDIS_ALLOWED}") from None
    return text


def service_url(*schemes: str, has_path: bool) -> Callable[[str], str]:
    """A reader for URLs of HTTP or WebSocket services; it takes slashes off the end.

    Whatever would be ignored or misread is refused: user and password, query, fragment, and where
    nothing comes of it a path.
    """
    begin = " or ".join(f"{scheme}://" for scheme in schemes)
    path = "[/PATH]" if has_path else ""
    allowed = f"{begin}, then HOST[:PORT]{path}; no user, password, ? or #"

    def read(text: str) -> str:
        try:
            parts = _cut(text.rstrip("/"), schemes)
            if parts.login is not None:
                raise ValueError("it holds a user or password, or an @")
            if parts.query:
                raise ValueError("it holds a query (?…)")
            _check_place(parts.place)
            _check_path(parts.path, has_path)
        except ValueError as error:
            raise ValueError(f"{error}; allowed: {allowed}") from None
        return text.rstrip("/")

    return read


def proxy_url(text: str) -> str:
    """The URL of a proxy, with `http://` where it says no scheme and without a slash at its end.
    Raises `ValueError`: of SOCKS, and of TLS to the proxy itself, nothing is spoken here.
    """
    try:
        if (scheme := _SCHEME.match(text)) and scheme[0].lower() != "http://":
            raise ValueError("it is not spoken to by HTTP")
        place = text[len(scheme[0]) :] if scheme else text
        parts = _cut(f"http://{place.rstrip('/')}", ("http",))
        if parts.login is not None and not _PLAIN.fullmatch(parts.login):
            raise ValueError("user or password hold a character that is not percent-encoded")
        _decoded(parts.login or "", "user or password")
        _check_place(parts.place)
        if parts.path or parts.query:
            raise ValueError("it holds a path or a query")
    except ValueError as error:
        raise ValueError(f"{error}; allowed: {PROXY_ALLOWED}") from None
    return f"http://{place.rstrip('/')}"


def page_url(text: str) -> str:
    """The URL under which browsers find the page: as they ask for it, an international name in its
    ASCII form, with a path where the page is not alone on its host. Raises `ValueError`.
    """
    found = _AUTHORITY.fullmatch(text)
    host = found["host"] if found else ""
    if found and not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise ValueError("its host is no international name; allowed: see IDNA 2008") from None
    url = _page_url(f"{found['scheme']}{host.lower()}{found['rest']}" if found else text)
    if not _PAGE_PATH.fullmatch(url.partition("://")[2].partition("/")[2]):
        raise ValueError("its path holds more than letters, digits and -._~ between slashes")
    return url


def path_of(url: str) -> str:
    """The path of a checked URL, from its first slash on; "" without one."""
    _, slash, path = url.partition("://")[2].partition("/")
    return slash + path


def is_host(text: str) -> bool:
    """Whether that is an IP address (IPv6 without brackets), or can be the name of a host."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return len(text) <= _HOST_CHARS_MAX and all(_LABEL.fullmatch(label) for label in labels)
    return "%" not in text


def password_of(url: str) -> tuple[str, ...]:
    """The password of a checked URL, as written and as meant: never to be shown. () without one."""
    login, at, _ = url.partition("://")[2].rpartition("@")
    written = login.partition(":")[2] if at else ""
    return tuple(dict.fromkeys((written, unquote(written)))) if written else ()


def without_password(url: str) -> str:
    """A checked URL as it may be shown."""
    scheme, mark, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}{mark}{login.partition(':')[0]}:***@{place}" if at else url


def without_path(url: str) -> str:
    """A checked URL without what may be a secret of it: its path."""
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place}{slash}{'…' if path else ''}"


def _cut(text: str, schemes: tuple[str, ...]) -> _Parts:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("it holds a blank or a character beyond ASCII")
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in schemes:
        raise ValueError(f"it does not begin with {' or '.join(f'{one}://' for one in schemes)}")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    if "@" in tail:
        raise ValueError("a /, ? or # stands before the @")
    if "#" in tail:
        raise ValueError("it holds a #")
    login, at, place = authority.rpartition("@")
    path, _, query = tail.partition("?")
    if tail.endswith("?"):
        raise ValueError("it ends with a ?")
    return _Parts(login if at else None, place, path, query)


def _check_login(login: str) -> None:
    _, colon, password = login.partition(":")
    if not colon:
        raise ValueError("there is a user without a password")
    if not password:
        raise ValueError("the password is empty")
    if not _PLAIN.fullmatch(login):
        raise ValueError("user or password hold a character that is not percent-encoded")
    _decoded(login, "user or password")


def _check_place(place: str) -> None:
    found = _PLACE.fullmatch(place)
    if "," in place:
        raise ValueError("it names several hosts")
    if found is None:
        raise ValueError("host and port can't be told apart")
    host = found["name"] if found["v6"] is None else found["v6"]
    if not host:
        raise ValueError("it names no host")
    if not is_host(host) or (":" in host) != (found["v6"] is not None):
        raise ValueError("its host can't be one")
    if found["colon"] and not is_port(found["port"]):
        raise ValueError("its port is no whole number from 1 to 65535")


def is_port(text: str) -> bool:
    return len(text) <= 5 and whole_in_text(text, 1, PORT_MAX) is not None


def _check_database(path: str) -> None:
    if path in ("", "/"):
        return
    if not re.fullmatch(r"/(?:0|[1-9][0-9]{0,9})", path) or int(path[1:]) > DATABASE_MAX:
        raise ValueError(f"its path is no number of a database, 0 to {DATABASE_MAX}")


def _check_options(query: str, *, is_tls: bool) -> None:
    seen = set[str]()
    for option in query.split("&") if query else ():
        name, _, value = option.partition("=")
        if not is_tls or name not in TLS_OPTIONS:
            raise ValueError("it has an option that is not known here")
        if name in seen:
            raise ValueError(f"it has {name} twice")
        seen.add(name)
        values = TLS_OPTIONS[name]
        if values is not None and value not in values:
            raise ValueError(f"{name} is none of {', '.join(values)}")
        if values is None and not _FILE.fullmatch(value):
            raise ValueError(f"{name} is no percent-encoded path")
        _decoded(value, name)


def _check_path(path: str, has_path: bool) -> None:
    if path and not has_path:
        raise ValueError("it holds a path")
    for segment in path.split("/")[1:]:
        if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
            raise ValueError("its path is none that would be asked for as it stands")
    _decoded(path, "its path")


def _decoded(text: str, what: str) -> str:
    """What is meant; redis-py and others would pass over what can't be decoded."""
    if _PERCENT.search(text):
        raise ValueError(f"{what} hold a % that begins no percent-encoded character")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"{what} hold percent-encoded bytes that are no UTF-8") from None


_page_url: Final = service_url("https", "http", has_path=True)

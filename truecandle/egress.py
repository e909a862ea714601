"""The way out to the network: which proxy a URL is asked through, and whom TLS trusts on it.

One reader of the variables that all programs share (`https_proxy`, `no_proxy` and the like), for
REST, streams and archives alike: libraries read them each in their own way, and where one of them
could not use a proxy it went past it without a word.

Never here: connections (`dialing`, `binance/transport`), the environment itself (it is handed in).
Invariant: this machine is never asked through a proxy; no text shows a proxy's user or password.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from truecandle.urls import proxy_url

#: Which variables name the proxy of a URL, by its scheme; the first one that is set counts, and
#: each in small letters before the same one in capitals.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    scheme: (f"{family}_proxy", "all_proxy")
    for scheme, family in (("https", "https"), ("wss", "https"), ("http", "http"), ("ws", "http"))
}
NO_PROXY: Final = "no_proxy"
#: Files with the authorities that TLS trusts, as other programs call them.
CA_NAMES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
NO_PEM: Final = "it holds no certificates"
PORTS: Final[Mapping[str, int]] = {"https": 443, "wss": 443, "http": 80, "ws": 80}


@dataclass(frozen=True, slots=True)
class EgressRoute:
    """How one URL is reached: `proxy` is a checked URL, "" for directly; `named_by` the variable
    that says so; `ca_file` the authorities that TLS trusts, "" for the usual ones."""

    proxy: str = ""
    named_by: str = ""
    ca_file: str = ""

    def __str__(self) -> str:
        """For people: `directly`, or through which host and port."""
        if not self.proxy:
            return "directly"
        place = self.proxy.rpartition("@")[2].removeprefix("http://")
        return f"through the proxy {place} ({self.named_by})"

    def blame(self, reason: str) -> str:
        """A failure, with the proxy that it may be the fault of."""
        return f"{reason} ({self})" if self.proxy else reason

    @property
    def login(self) -> str:
        """`user:password` of the proxy, decoded; "" for none."""
        login, at, _ = self.proxy.removeprefix("http://").rpartition("@")
        return unquote(login) if at else ""


DIRECTLY: Final = EgressRoute()


@dataclass(frozen=True, slots=True)
class Egress:
    """What an environment says of the way out: its proxies by variable, unread, the hosts that are
    asked without one, and a file or folder of authorities."""

    proxies: tuple[tuple[str, str], ...] = ()
    no_proxy: tuple[str, ...] = ()
    ca_file: str = ""
    ca_named_by: str = ""

    def route(self, url: str) -> EgressRoute:
        """How a checked URL is reached. Raises a `ValueError` that names the variable whose proxy
        can't be used."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        name, proxy = self._proxy_for(parts.scheme)
        if not proxy or is_this_machine(host) or self._is_excepted(host, port):
            return EgressRoute(ca_file=self.ca_file)
        try:
            return EgressRoute(proxy_url(proxy), name, self.ca_file)
        except ValueError as error:
            raise ValueError(f"{name}=(not shown): {error}") from None

    def _proxy_for(self, scheme: str) -> tuple[str, str]:
        given = dict(self.proxies)
        names = [form for one in NAMES[scheme] for form in (one, one.upper())]
        return next(((name, given[name]) for name in names if name in given), ("", ""))

    def _is_excepted(self, host: str, port: int) -> bool:
        return any(_covers(entry, host.lower(), port) for entry in self.no_proxy)


def read_egress(environ: Mapping[str, str]) -> Egress:
    """What the variables say; an empty one counts as not set."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    known = {form for names in NAMES.values() for one in names for form in (one, one.upper())}
    excepted = given.get(NO_PROXY) or given.get(NO_PROXY.upper()) or ""
    ca_name = next((name for name in CA_NAMES if name in given), "")
    return Egress(
        tuple(sorted((name, value) for name, value in given.items() if name in known)),
        tuple(one for one in excepted.lower().replace(",", " ").split() if one),
        given.get(ca_name, ""),
        ca_name,
    )


def egress_problems(egress: Egress, urls: Iterable[str]) -> list[str]:
    """What stands in the way to these URLs, each once; a proxy that nothing is asked through may be
    what it likes."""
    found = [_ca_problem(egress)]
    for url in urls:
        try:
            egress.route(url)
        except ValueError as error:
            found.append(str(error))
    return list(dict.fromkeys(filter(None, found)))


def _ca_problem(egress: Egress) -> str | None:
    """Why the authorities can't be used; None if they can, or none are named."""
    path = egress.ca_file
    if not path or os.path.isdir(path):
        return None
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else NO_PEM
        return f"{egress.ca_named_by}={path!a}: {why}; allowed: a file or folder of them"
    return None


def is_this_machine(host: str) -> bool:
    """Whether that is a name or an address of loopback."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of `no_proxy` means that host: `*`, an address, a network, or a name that
    stands for all names below it too (`.example.com`, `*.example.com`), each with or without
    `:PORT`."""
    if entry == "*":
        return True
    address, network = _address(host), _network(entry)
    if network is not None:
        return address is not None and address in network
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        entry = name
    if (alone := _address(entry.strip("[]"))) is not None:
        return address == alone
    domain = entry.removeprefix("*").removeprefix(".").removesuffix(".")
    name = host.removesuffix(".")
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None

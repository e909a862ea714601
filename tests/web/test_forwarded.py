"""Whom the web role believes about a client: trusted proxies alone, one after the other.

Never here: a real proxy (`tests/e2e/test_proxies.py`).
Invariant: what a layer behind would see is looked at, not what a header said.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.web_app import Browser, build, said
from truecandle.config import Settings, read_settings
from truecandle.web.forwarded import HEADERS, PASSED_ON, ForwardedMiddleware, client_address
from truecandle.web.shared_address import SharedAddress

PROXY = "10.0.0.1"
TRUSTED = "10.0.0.0/24,fd00::/8"
FORGED = "203.0.113.9"


def seen(peer: str, trusted: str = TRUSTED, **headers: str) -> dict[str, Any]:
    """The environment behind the middleware; names of headers as `X_Forwarded_For`."""
    found: dict[str, Any] = {}

    def behind(environ: dict[str, Any], _: object) -> list[bytes]:
        found.update(environ)
        return []

    networks = read_settings({"TRUSTED_PROXIES": trusted}).trusted_proxies
    app = ForwardedMiddleware(behind, networks, SharedAddress())
    given = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    environ = {
        "REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_HOST": "inside:5000",
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", **given,
    }  # fmt: skip
    app(environ, None)
    return found


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        (PROXY, "198.51.100.7", "198.51.100.7"),
        (PROXY, f"{FORGED}, 198.51.100.7", "198.51.100.7"),
        (PROXY, f"{FORGED}, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (PROXY, f"{FORGED},198.51.100.7,10.0.0.2,10.0.0.3", "198.51.100.7"),
        (PROXY, "", PROXY),
        (PROXY, "10.0.0.2", "10.0.0.2"),
        (PROXY, "unknown", PROXY),
        (PROXY, f"{FORGED}, unknown", PROXY),
        (PROXY, f"{FORGED}, unknown, 10.0.0.2", "10.0.0.2"),
        (PROXY, f"{FORGED}, ", PROXY),
        (PROXY, "198.51.100.7:4711", "198.51.100.7"),
        (PROXY, "2001:db8::7", "2001:db8::7"),
        (PROXY, "[2001:db8::7]:4711", "2001:db8::7"),
        (PROXY, "::ffff:198.51.100.7", "198.51.100.7"),
        (f"::ffff:{PROXY}", "198.51.100.7", "198.51.100.7"),
        ("fd00::1", "198.51.100.7", "198.51.100.7"),
        ("198.51.100.7", FORGED, "198.51.100.7"),
        ("127.0.0.1", FORGED, "127.0.0.1"),
        ("", FORGED, "unknown"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_vouches_for(
    peer: str, chain: str, client: str
) -> None:
    assert client_address(seen(peer, X_Forwarded_For=chain)) == client


def test_a_chain_of_any_length_is_looked_at_from_its_end() -> None:
    chain = ", ".join([FORGED] * 10_000 + ["10.0.0.2"] * 5)
    assert client_address(seen(PROXY, X_Forwarded_For=chain)) == FORGED
    chain = ", ".join(["10.0.0.2"] * 10_000)
    assert client_address(seen(PROXY, X_Forwarded_For=chain)) == "10.0.0.2"


def test_scheme_and_host_are_those_that_the_outermost_trusted_proxy_saw() -> None:
    def told(chain: str, proto: str, host: str) -> tuple[str, str]:
        found = seen(PROXY, X_Forwarded_For=chain, X_Forwarded_Proto=proto, X_Forwarded_Host=host)
        return found["wsgi.url_scheme"], found["HTTP_HOST"]

    assert told("198.51.100.7", "https", "charts.example") == ("https", "charts.example")
    assert told("198.51.100.7", "ftp, https", "evil, charts") == ("https", "charts")
    assert told("198.51.100.7, 10.0.0.2", "https, http", "charts, inside") == ("https", "charts")
    assert told("198.51.100.7, 10.0.0.2", "https", "charts") == ("https", "charts")
    assert told("198.51.100.7", "gopher", "") == ("http", "inside:5000")


@pytest.mark.parametrize("peer", ["198.51.100.7", "127.0.0.1", "::1"])
def test_nothing_is_believed_from_others_and_nothing_is_left_to_believe(peer: str) -> None:
    forged = {name.removeprefix("HTTP_").title(): "evil.example" for name in HEADERS}
    found = seen(peer, **forged)
    assert (found["wsgi.url_scheme"], found["HTTP_HOST"]) == ("http", "inside:5000")
    assert not set(HEADERS) & set(found)
    assert found[PASSED_ON] and not seen(peer)[PASSED_ON]


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_whatever_a_trusted_proxy_says_the_client_is_an_address(
    chain: str, proto: str, host: str
) -> None:
    found = seen(PROXY, X_Forwarded_For=chain, X_Forwarded_Proto=proto, X_Forwarded_Host=host)
    assert ipaddress.ip_address(client_address(found))
    assert found["wsgi.url_scheme"] in ("http", "https")


def test_limits_count_by_the_address_behind_a_trusted_proxy(
    settings: Settings, browser: Browser
) -> None:
    """Browsers behind one proxy have tries of their own, at accounts of their own; one of them has
    no more than its twenty, and who names a proxy that is not trusted is counted by the peer.
    """
    networks = read_settings({"TRUSTED_PROXIES": "127.0.0.1"}).trusted_proxies
    believing = Browser(build(settings, trusted_proxies=networks))

    def status(of: Browser, number: int, address: str) -> int:
        form = {"username": f"u{number}", "password": "x" * 1025, "csrf_token": of.csrf()}
        headers = {"X-Forwarded-For": f"{FORGED}, {address}"}
        return of.client.post("/login", data=form, headers=headers).status_code

    assert {status(believing, number, f"198.51.100.{number}") for number in range(25)} == {401}
    assert 429 in {status(believing, number, "198.51.100.99") for number in range(25)}
    assert 429 in {status(browser, number, f"198.51.100.{number}") for number in range(25)}


def test_a_host_that_a_trusted_proxy_passes_on_has_to_be_ours_all_the_same(
    settings: Settings,
) -> None:
    networks = read_settings({"TRUSTED_PROXIES": "127.0.0.1"}).trusted_proxies
    app = build(settings, trusted_proxies=networks, public_url="https://charts.example")
    for host, status in (("charts.example", 200), ("evil.example", 400), ("a b", 400)):
        answer = app.test_client().get("/login", headers={"X-Forwarded-Host": host})
        assert answer.status_code == status
    assert said(app.test_client().get("/data"))["code"] == "unauthorized"

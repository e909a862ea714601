"""The way out by the variables that all programs share: the same for each kind of URL.

Never here: connections (`binance/test_transport`).
Invariant: this machine is never asked through a proxy, and no refusal shows a password.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shown_secrets import QUOTED, SECRET, shows
from truecandle.config import read_settings
from truecandle.egress import is_this_machine, read_egress
from truecandle.errors import SettingsError

REST, STREAM = "https://data-api.example:8443/x", "wss://stream.example"
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environ", "rest", "stream", "plain"),
    [
        ({}, "", "", ""),
        ({"https_proxy": PROXY}, PROXY, PROXY, ""),
        ({"HTTPS_PROXY": "proxy.example:3128"}, PROXY, PROXY, ""),
        ({"HTTPS_PROXY": "proxy.example:3128/"}, PROXY, PROXY, ""),
        ({"ALL_PROXY": PROXY}, PROXY, PROXY, PROXY),
        ({"all_proxy": "socks5://h:1", "https_proxy": PROXY, "HTTP_PROXY": PROXY}, *[PROXY] * 3),
        ({"https_proxy": " ", "ALL_PROXY": PROXY}, PROXY, PROXY, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, PROXY, PROXY, ""),
        ({"http_proxy": PROXY}, "", "", PROXY),
        ({"https_proxy": PROXY, "NO_PROXY": "stream.example"}, PROXY, "", ""),
        ({"https_proxy": PROXY, "no_proxy": ".example"}, "", "", ""),
        ({"https_proxy": PROXY, "no_proxy": "*.EXAMPLE"}, "", "", ""),
        ({"https_proxy": PROXY, "no_proxy": "other, data-api.example:8443"}, "", PROXY, ""),
        ({"https_proxy": PROXY, "no_proxy": "data-api.example:443"}, PROXY, PROXY, ""),
        ({"https_proxy": PROXY, "no_proxy": "ample"}, PROXY, PROXY, ""),
        ({"https_proxy": PROXY, "no_proxy": "*"}, "", "", ""),
    ],
)
def test_rest_and_streams_go_the_same_way_out(
    environ: dict[str, str], rest: str, stream: str, plain: str
) -> None:
    egress = read_egress(environ)
    routes = [egress.route(url).proxy for url in (REST, STREAM, "ws://exchange.example")]
    assert routes == [rest, stream, plain]
    assert egress.route("http://exchange.example").proxy == plain


def test_addresses_and_networks_are_excepted_too() -> None:
    egress = read_egress(
        {"ALL_PROXY": PROXY, "NO_PROXY": "10.1.0.0/16,192.0.2.7,[fd00::1],fd01::/16"}
    )
    direct = ["http://10.1.2.3", "http://192.0.2.7:81", "ws://[fd00::1]:1", "http://[fd01::9]"]
    assert [egress.route(url).proxy for url in direct] == [""] * 4
    assert egress.route("http://10.2.0.1").proxy == egress.route("http://[fd00::2]").proxy == PROXY


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST.", "sim.localhost"]
)
def test_this_machine_is_asked_directly(host: str) -> None:
    assert is_this_machine(host)
    shown = f"[{host}]" if ":" in host else host
    assert read_egress({"ALL_PROXY": PROXY}).route(f"ws://{shown}:9000").proxy == ""


@pytest.mark.parametrize(
    "proxy",
    [
        f"socks5://ann:{QUOTED}@h:1080",
        f"https://ann:{QUOTED}@h",
        f"http://ann:{SECRET}@h:1",
        f"ann:{QUOTED}@h:http",
        f"http://ann:{QUOTED}@h:3128/path",
        f"http://[{SECRET}",
        "http://",
        "h:0",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_at_the_start_in_a_sentence(proxy: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"https_proxy": proxy})
    (said,) = refused.value.problems
    assert said.startswith("https_proxy=(not shown): ")
    assert "allowed: [http://][USER[:PASSWORD]@]HOST[:PORT], no SOCKS" in said
    assert shows(said) == []
    unused = {"https_proxy": proxy, "no_proxy": "*"}
    assert read_settings(unused).egress.route(REST).proxy == ""


def test_a_route_says_where_it_leads_and_shows_no_password() -> None:
    route = read_egress({"https_proxy": f"ann:{QUOTED}@proxy:3128"}).route(STREAM)
    assert str(route) == "through the proxy proxy:3128 (https_proxy)"
    assert route.login == f"ann:{SECRET}"
    assert shows(f"{route} {route.blame('refused')}") == []
    assert str(read_egress({}).route(STREAM)) == "directly"


def test_authorities_that_are_not_there_or_none_are_refused_at_the_start(tmp_path: Path) -> None:
    text = tmp_path / "no.pem"
    text.write_text("hello")
    for path, why in ((tmp_path / "gone.pem", "No such file"), (text, "no certificates")):
        with pytest.raises(SettingsError, match=f"SSL_CERT_FILE=.*{why}.*; allowed: a file"):
            read_settings({"SSL_CERT_FILE": str(path)})
    assert read_settings({"REQUESTS_CA_BUNDLE": str(tmp_path)}).egress.ca_file == str(tmp_path)

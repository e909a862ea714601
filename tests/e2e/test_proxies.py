"""Behind a real nginx, by the very examples of `docs/proxies`: two web processes are one to users.

Never here: the middleware alone (`tests/web/test_forwarded.py`).
Invariant: whoever asks comes from 127.0.0.2, so that client and proxy are two addresses.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import websocket
from redis import Redis
from requests.adapters import HTTPAdapter

from tests.support.redis_server import RedisProc
from tests.support.reverse_proxy import EXAMPLES, NAME, ReverseProxy
from tests.support.role_processes import ended
from tests.support.waiting import wait_for
from tests.support.web_app import PASSWORD, known_hash
from tests.support.web_process import Client, Web, clients, cookies
from truecandle.events import Publisher
from truecandle.store.accounts import Accounts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: The example, whether with TLS, and the path below which the page lives.
WAYS = {
    "https": ("nginx.conf", True, ""),
    "http": ("nginx.conf", False, ""),
    "https below a path": ("nginx-sub-path.conf", True, "/candles"),
    "http below a path": ("nginx-sub-path.conf", False, "/candles"),
}
CLIENT = "127.0.0.2"
SERIES = "symbol=BTCUSDT&interval=1h"


class FromClient(HTTPAdapter):
    """Connects from the client's address, and ends each connection after its answer."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(CLIENT, 0), **kwargs)


@dataclass
class Site:
    """Two web processes behind one proxy."""

    url: str
    base: str
    certificate: Path
    webs: tuple[Web, Web]

    def session(self, adapter: HTTPAdapter | None = None) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", adapter or FromClient())
        session.mount("http://", adapter or FromClient())
        session.verify = str(self.certificate)
        session.headers["Connection"] = "close"
        return session

    def enter(self, session: requests.Session, password: str, **headers: str) -> requests.Response:
        """Sends the form as the page does."""
        page = session.get(f"{self.url}/login", timeout=20).text
        found = re.search(r'name="csrf-token" content="([^"]+)"', page)
        assert found, page
        form = {"username": "ann", "password": password, "csrf_token": found[1]}
        origin = self.url.removesuffix(self.base)
        return session.post(
            f"{self.url}/login", data=form, headers={"Origin": origin, **headers},
            allow_redirects=False, timeout=20,
        )  # fmt: skip

    def log(self) -> list[str]:
        return [line for web in self.webs for line in web.role.lines]


@pytest.fixture(scope="module", params=WAYS)
def site(
    request: pytest.FixtureRequest,
    redis_server: RedisProc,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    example, is_tls, base = WAYS[request.param]
    proxy = ReverseProxy(example, tmp_path_factory.mktemp("nginx"), is_tls=is_tls)
    url, folder = proxy.url + base, tmp_path_factory.mktemp("web")
    with redis_server.client() as redis, ended() as processes:
        redis.flushall()
        Accounts(redis).add("ann", known_hash(), 0, "admin")
        one, two = (
            Web(
                processes, redis_server.url, folder, PUBLIC_URL=url, TRUSTED_PROXIES="127.0.0.1",
                SECRET_KEY="a key of both processes, 0123456789",
            )
            for _ in range(2)
        )  # fmt: skip
        nginx = proxy.start(processes, [one.port, two.port])
        found = Site(url, base, proxy.certificate, (one, two))
        wait_for(lambda: is_up(found), what=f"an answer; {nginx.output}")
        yield found


def is_up(site: Site) -> bool:
    with site.session() as session:
        try:
            return session.get(f"{site.url}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def test_signing_in_at_one_process_is_signing_in_at_both(site: Site) -> None:
    with site.session() as session:
        entered = site.enter(session, PASSWORD)
        assert (entered.status_code, entered.headers["Location"]) == (303, f"{site.base}/")
        cookie = next(iter(session.cookies))
        is_tls = site.url.startswith("https")
        assert cookie.secure == is_tls and cookie.path == (site.base or "/")
        for _ in range(6):
            page = session.get(f"{site.url}/", timeout=20)
            assert page.status_code == 200 and '"user":"ann"' in page.text
            assert ("Strict-Transport-Security" in page.headers) == is_tls

        def has_served(web: Web) -> bool:
            return any("GET / 200" in line for line in web.role.lines)

        wait_for(lambda: all(map(has_served, site.webs)), what="a page of each process in its log")


def test_a_socket_opens_for_our_own_page_and_for_no_other(site: Site, redis: Redis) -> None:
    """Its client names our own origin, as a browser would."""
    Accounts(redis).add("ann", known_hash(), 0, "admin")
    origin = site.url.removesuffix(site.base)
    with site.session() as session, clients() as made:
        site.enter(session, PASSWORD)
        client = Client(verify=False)
        made.append(client)
        client.connect_to(origin, f"{site.base}/socket.io", Cookie=cookies(session))
        assert client.follow()["ok"]
        Publisher(site.webs[0].env["REDIS_URL"]).live_price(
            "BTCUSDT", price="1", timestamp=1, high="1", low="1", volume="1", trades=1,
            first_id=1, last_id=1,
        )  # fmt: skip
        client.wait_heard("live_price")
        path = f"{site.base}/socket.io/?EIO=4&transport=websocket"
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            websocket.create_connection(
                f"ws{origin.removeprefix('http')}{path}", origin="https://evil.example",
                cookie=cookies(session), sslopt={"ca_certs": str(site.certificate)}, timeout=20,
            )  # fmt: skip
        assert refused.value.status_code == 403


def test_a_client_is_counted_by_its_own_address_whatever_it_says(site: Site, redis: Redis) -> None:
    Accounts(redis).add("ann", known_hash(), 0, "admin")
    statuses = []
    with site.session() as session:
        for number in range(8):
            forged = {
                "X-Forwarded-For": f"203.0.113.{number}", "X-Forwarded-Host": "evil.example",
                "X-Forwarded-Proto": "gopher", "X-Real-IP": "203.0.113.9",
            }  # fmt: skip
            statuses.append(site.enter(session, "x" * 1025, **forged).status_code)
    assert statuses[-1] == 429
    lines = [line for line in site.log() if "POST /login" in line]
    assert lines and all(f" from {CLIENT} " in line for line in lines)
    assert not any("203.0.113" in line for line in site.log())


def test_one_client_that_is_shut_out_shuts_nobody_else_out(site: Site, redis: Redis) -> None:
    Accounts(redis).add("ann", known_hash(), 0, "admin")
    with site.session() as session:
        while site.enter(session, "x" * 1025).status_code == 401:
            pass
    with site.session(HTTPAdapter()) as elsewhere:
        assert site.enter(elsewhere, PASSWORD).status_code == 303


def test_strangers_see_no_details(site: Site) -> None:
    with site.session() as session:
        assert session.get(f"{site.url}/readyz", timeout=20).json().keys() == {"ready"}
        assert session.get(f"{site.url}/metrics", timeout=20).status_code == 401


def test_the_page_lives_below_its_address_in_a_real_browser(
    site: Site, redis: Redis, chromium: Browser
) -> None:
    Accounts(redis).add("ann", known_hash(), 0, "admin")
    context = chromium.new_context(ignore_https_errors=True)
    page, asked, said, sockets = context.new_page(), [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(f"{site.url}/?{SERIES}")
    page.fill("#username", "ann")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{site.url}/?{SERIES}")
    wait_for(lambda: page.locator("#plot").is_visible(), what="the chart")
    wait_for(lambda: bool(sockets), what="a WebSocket")
    assert sockets[0].url.removeprefix("ws").startswith(site.url.removeprefix("http"))
    wait_for(
        lambda: any(f"{site.url}/data?" in url for url in asked), what="the page to ask for candles"
    )
    page.click("a.brand")
    page.wait_for_url(lambda url: url.startswith(f"{site.url}/"))
    wait_for(lambda: page.locator("#plot").is_visible(), what="the chart")
    page.click("#account button")
    page.wait_for_url(f"{site.url}/login*")
    strangers = [url for url in asked if not url.startswith((f"{site.url}/", "data:"))]
    assert strangers == [] and said == []
    context.close()


def test_caddys_example_can_be_read_by_caddy_where_there_is_one() -> None:
    """Where there is none, that it names what the other example does."""
    text = (EXAMPLES / "Caddyfile").read_text(encoding="utf-8")
    assert f"PUBLIC_URL=https://{NAME}" in text and "TRUSTED_PROXIES=127.0.0.1" in text
    if path := shutil.which("caddy"):
        example = str(EXAMPLES / "Caddyfile")
        command = [path, "adapt", "--adapter", "caddyfile", "--config", example]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0

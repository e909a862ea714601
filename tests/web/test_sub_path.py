"""A page below a path of its host: every link, redirect and cookie stays below it.

Never here: a browser (`tests/e2e/test_proxies.py`).
Invariant: a proxy that takes the path off and one that passes it on are served alike.
"""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests.support.web_app import PASSWORD, Browser, build, issue, store_hours
from truecandle.config import Settings
from truecandle.store import markets

BASE = "/candles"
HOST = {"Host": "charts.example"}


@pytest.fixture
def client(settings: Settings, browser: Browser) -> FlaskClient:
    """`browser` has put the user `ann` there."""
    return build(settings, public_url=f"http://charts.example{BASE}").test_client(use_cookies=False)


@pytest.mark.parametrize("base", [BASE, ""], ids=["passed on", "taken off"])
def test_pages_link_to_what_is_below_the_path(client: FlaskClient, base: str) -> None:
    page = client.get(f"{base}/login", headers=HOST).text
    links = re.findall(r'(?:href|src|action)="([^"]*)"', page)
    assert links and all(link.startswith(f"{BASE}/") for link in links)
    for link in links:
        if "/static/" in link:
            with client.get(base + link.removeprefix(BASE), headers=HOST) as answer:
                assert answer.status_code == 200
    assert f'<html lang="en" data-base="{BASE}">' in page


@pytest.mark.parametrize("base", [BASE, ""], ids=["passed on", "taken off"])
def test_signing_in_leads_to_the_chart_below_the_path(client: FlaskClient, base: str) -> None:
    asked = client.get(f"{base}/?symbol=BTCUSDT&interval=1h", headers=HOST)
    assert asked.headers["Location"].startswith(f"{BASE}/login?next={BASE}/?symbol")
    page = client.get(f"{base}/login", headers=HOST)
    assert f"Path={BASE}" in page.headers["Set-Cookie"]
    token = re.findall(r'name="csrf-token" content="([^"]+)"', page.text)[0]
    cookie = page.headers["Set-Cookie"].split(";")[0]
    for wanted, place in (
        (f"{BASE}/?symbol=ETHUSDT&interval=1h", f"{BASE}/?symbol=ETHUSDT&interval=1h"),
        ("/elsewhere", f"{BASE}/"), (f"{BASE}-other/", f"{BASE}/"), ("", f"{BASE}/"),
    ):  # fmt: skip
        form = {"username": "ann", "password": PASSWORD, "csrf_token": token, "next": wanted}
        answer = client.post(f"{base}/login", data=form, headers=HOST | {"Cookie": cookie})
        assert (answer.status_code, answer.headers["Location"]) == (303, place)


def test_the_account_and_the_cookies_stay_below_the_path(client: FlaskClient) -> None:
    asked = client.get("/account", headers=HOST)
    assert asked.headers["Location"] == f"{BASE}/login?next={BASE}/account"
    page = client.get("/login", headers=HOST)
    token = re.findall(r'name="csrf-token" content="([^"]+)"', page.text)[0]
    cookie = page.headers["Set-Cookie"].split(";")[0]
    form = {"username": "ann", "password": PASSWORD, "csrf_token": token}
    entered = client.post("/login", data=form, headers=HOST | {"Cookie": cookie})
    given = entered.headers.getlist("Set-Cookie")
    assert len(given) == 2 and all(f"Path={BASE}" in one.split("; ") for one in given)
    held = "; ".join(one.split(";")[0] for one in given)
    text = client.get("/account", headers=HOST | {"Cookie": held}).text
    links = re.findall(r'(?:href|src|action)="([^"]*)"', text)
    assert f"{BASE}/account/password" in links
    assert all(link.startswith(f"{BASE}/") for link in links)


def test_the_path_without_its_slash_leads_to_the_page(client: FlaskClient) -> None:
    answer = client.get(BASE, headers=HOST)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{BASE}/")
    assert "Content-Security-Policy" in answer.headers


def test_pages_of_candles_lead_on_below_the_path(client: FlaskClient, redis: Redis) -> None:
    store_hours(redis, 5)
    markets.followed(redis, ("BTCUSDT",))
    path = f"{BASE}/data?symbol=BTCUSDT&interval=1h&limit=2"
    answer = client.get(path, headers=HOST | issue(redis))
    assert answer.headers["Link"].startswith(f"<{BASE}/data?")


def test_behind_tls_the_cookie_belongs_to_the_path(settings: Settings, browser: Browser) -> None:
    client = build(settings, public_url=f"https://charts.example{BASE}").test_client()
    cookie = client.get(f"{BASE}/login", headers=HOST).headers["Set-Cookie"]
    assert cookie.startswith("__Secure-truecandle-")
    assert "Secure" in cookie and f"Path={BASE}" in cookie


def test_the_manifest_names_no_path_of_its_own(client: FlaskClient) -> None:
    page = client.get(f"{BASE}/login", headers=HOST).text
    (link,) = re.findall(r'rel="manifest" href="([^"]*)"', page)
    with client.get(link, headers=HOST) as answer:
        manifest = json.loads(answer.data)
    assert (manifest["start_url"], manifest["scope"]) == ("../", "../") and "id" not in manifest

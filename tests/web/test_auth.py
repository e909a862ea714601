"""Signing in, staying in and going out, and where a post may come from.

Never here: tokens (`test_auth_tokens`), sockets.
Invariant: one account's attacker can neither learn of it nor lock its owner out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from tests.support.web_app import NOW_MS, PASSWORD, Browser, Time, build, known_hash
from truecandle.config import Settings
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import SESSION_IDLE_S, SESSION_MAX_S, CredentialStore
from truecandle.web import cookie_name

HOURS = "/data?symbol=BTCUSDT&interval=1h"
#: Too long to be anybody's password, so that it is refused without the time a hash takes.
UNHASHED = "x" * 1025


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie(cookie_of(browser))
    assert found
    return found.value


def cookie_of(browser: Browser) -> str:
    """Its name."""
    name: str = browser.client.application.config["SESSION_COOKIE_NAME"]
    return name


def test_pages_ask_to_sign_in_and_scripts_are_told(browser: Browser) -> None:
    page = browser.get("/?symbol=BTCUSDT&interval=1h")
    assert page.status_code == 303
    assert page.headers["Location"] == "/login?next=/?symbol%3DBTCUSDT%26interval%3D1h"
    script = browser.get(HOURS)
    assert (script.status_code, script.mimetype) == (401, "application/problem+json")
    assert script.headers["WWW-Authenticate"].startswith("Bearer")


def test_signing_in_leads_to_where_one_wanted_to_go(browser: Browser) -> None:
    answer = browser.sign_in("ann", PASSWORD, next="/?symbol=ETHUSDT&interval=1m")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?symbol=ETHUSDT&interval=1m")
    page = browser.get("/?symbol=ETHUSDT&interval=1m")
    assert page.status_code == 200
    assert '"symbol":"ETHUSDT"' in page.text and '"user":"ann"' in page.text
    assert browser.get(HOURS).status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "https://evil.example", "https:evil.example", "/\\evil.example",
        "\\\\evil.example", "\t//evil.example", "/\t/evil.example", "/\n/evil.example",
        "javascript:alert(1)", "///evil.example", " //evil.example", "http:///evil.example",
        "evil.example", "", "/ok\r\nSet-Cookie: a=b", "data:text/html,x", "/" + "x" * 3000,
    ],
)  # fmt: skip
def test_signing_in_never_leads_to_another_host(ann: Browser, wanted: str) -> None:
    answer = ann.client.get("/login", query_string={"next": wanted})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_the_form_carries_only_a_safe_way_on(browser: Browser) -> None:
    page = browser.client.get("/login", query_string={"next": "//evil.example"}).text
    assert "evil.example" not in page
    assert 'value="/?symbol=ETHUSDT"' in browser.get("/login?next=/?symbol%3DETHUSDT").text
    answer = browser.sign_in("ann", PASSWORD, next="https://evil.example")
    assert answer.headers["Location"] == "/"


def test_a_wrong_name_and_a_wrong_password_look_the_same(app: Flask, browser: Browser) -> None:
    def refused(name: str) -> str:
        answer = Browser(app).sign_in(name, "wrong")
        assert answer.status_code == 401
        return re.sub(r'(content|value)="[^"]*"', "", answer.text)

    assert refused("ann") == refused("nobody")


def test_after_five_wrong_passwords_an_account_rests_for_that_address_only(
    app: Flask, browser: Browser
) -> None:
    codes = [browser.sign_in("ann", UNHASHED).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    answer = browser.sign_in("ann", PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "minutes" in answer.text
    elsewhere = Browser(app)
    token = elsewhere.csrf()
    form = {"username": "ann", "password": PASSWORD, "csrf_token": token}
    other = elsewhere.client.post("/login", data=form, environ_base={"REMOTE_ADDR": "127.0.0.2"})
    assert other.status_code == 303


def test_one_address_may_not_spray_over_many_accounts(browser: Browser) -> None:
    token = browser.csrf()
    codes = []
    for i in range(21):
        form = {"username": f"u{i}", "password": UNHASHED, "csrf_token": token}
        codes.append(browser.client.post("/login", data=form).status_code)
    assert codes == [401] * 20 + [429]


def test_signing_in_rightly_is_not_counted_against_anybody(browser: Browser) -> None:
    for _ in range(2):
        codes = [browser.sign_in("ann", UNHASHED).status_code for _ in range(4)]
        assert codes == [401] * 4
        assert browser.sign_in("ann", PASSWORD).status_code == 303
        browser.client.post("/logout", data={"csrf_token": browser.csrf()})


def test_a_forwarded_address_is_believed_only_behind_a_proxy(app: Flask, browser: Browser) -> None:
    codes = []
    for i in range(6):
        token = browser.csrf()
        form = {"username": "ann", "password": UNHASHED, "csrf_token": token}
        headers = {"X-Forwarded-For": f"10.0.0.{i}"}
        codes.append(browser.client.post("/login", data=form, headers=headers).status_code)
    assert codes[-1] == 429


def test_the_session_gets_a_new_id_with_signing_in(browser: Browser, redis: Redis) -> None:
    browser.csrf()
    before = cookie(browser)
    browser.sign_in("ann", PASSWORD)
    assert cookie(browser) != before
    again = Browser(browser.client.application)
    again.client.set_cookie(cookie_of(browser), before)
    assert again.get(HOURS).status_code == 401


def test_signing_out_ends_the_session_not_only_the_cookie(ann: Browser) -> None:
    kept = cookie(ann)
    answer = ann.client.post("/logout", data={"csrf_token": ann.csrf()})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert ann.get(HOURS).status_code == 401
    ann.client.set_cookie(cookie_of(ann), kept)
    assert ann.get(HOURS).status_code == 401


def test_a_new_password_and_the_end_of_an_account_end_its_sessions(
    ann: Browser, redis: Redis
) -> None:
    assert ann.get(HOURS).status_code == 200
    Accounts(redis).set_password("ann", known_hash())
    assert ann.get(HOURS).status_code == 401
    ann.sign_in("ann", PASSWORD)
    assert ann.get(HOURS).status_code == 200
    Accounts(redis).remove("ann")
    assert ann.get(HOURS).status_code == 401
    Accounts(redis).add("ann", known_hash(), NOW_MS, "admin")
    assert ann.get(HOURS).status_code == 401


def test_a_session_ends_after_its_longest_time_and_after_idling(
    ann: Browser, redis: Redis, clock: Time
) -> None:
    key = next(redis.scan_iter("session:*"))
    assert SESSION_IDLE_S - 5 <= redis.ttl(key) <= SESSION_IDLE_S
    redis.expire(key, 100)
    assert ann.get(HOURS).status_code == 200
    assert redis.ttl(key) > 100
    clock.ms += SESSION_MAX_S * 1000 + 1
    assert ann.get(HOURS).status_code == 401
    clock.ms = NOW_MS
    redis.delete(key)
    assert ann.get(HOURS).status_code == 401


def test_no_secret_is_kept_in_redis(ann: Browser, redis: Redis) -> None:
    secret = CredentialStore(redis).issue("ann", "", "read", NOW_MS) or ""
    everything = b"".join(redis.dump(key) or b"" for key in redis.scan_iter()) + b"".join(
        redis.scan_iter()
    )
    assert secret.encode() not in everything
    assert PASSWORD.encode() not in everything


def test_a_link_works_once(app: Flask, browser: Browser, redis: Redis) -> None:
    link = Accounts(redis).add_link("ann")
    assert 3500 < redis.ttl(next(redis.scan_iter("link:*"))) <= 3600
    assert browser.post("/login/link", {"link": link}).status_code == 200
    assert browser.get(HOURS).status_code == 200
    assert Browser(app).post("/login/link", {"link": link}).status_code == 401


def test_a_user_without_password_signs_in_by_link_only(browser: Browser, redis: Redis) -> None:
    Accounts(redis).add("demo", "", NOW_MS, "admin")
    for guess in ("", "demo", "nobody has this password"):
        assert browser.sign_in("demo", guess).status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(browser: Browser) -> None:
    cookies = browser.sign_in("ann", PASSWORD).headers.getlist("Set-Cookie")
    name = cookie_of(browser)
    assert {flags.partition("=")[0] for flags in cookies} == {name, f"{name}-device"}
    for flags in cookies:
        assert "HttpOnly" in flags and "SameSite=Lax" in flags
        assert "Domain" not in flags and "Path=/" in flags


def test_behind_tls_the_cookie_is_bound_to_the_host_and_secure(
    settings: Any, browser: Browser
) -> None:
    app = build(settings, public_url="https://candles.example")
    flags = app.test_client().get("/login", headers={"Host": "candles.example"}).headers
    assert flags["Set-Cookie"].startswith("__Host-truecandle-")
    assert "Secure" in flags["Set-Cookie"] and "Path=/;" in flags["Set-Cookie"]
    assert flags["Strict-Transport-Security"] == "max-age=31536000"


def test_behind_tls_only_posts_with_our_own_origin_are_accepted(
    settings: Any, redis: Redis
) -> None:
    Accounts(redis).add("ann", known_hash(), NOW_MS, "admin")
    client = build(settings, public_url="https://candles.example").test_client()
    base, inside = "https://candles.example", "http://candles.example"  # as a proxy asks for it
    page = client.get("/login", base_url=base).text
    token = re.findall(r'name="csrf-token" content="([^"]+)"', page)[0]
    name = client.application.config["SESSION_COOKIE_NAME"]
    found = client.get_cookie(name, "candles.example")
    assert found
    value = found.value
    form = {"username": "ann", "password": PASSWORD, "csrf_token": token}
    for origin, status in (
        ("https://evil.example", 403),
        ("http://candles.example:5000", 403),
        ("https://candles.example:5000", 403),
        (base, 303),
    ):
        cookie = {"Cookie": f"{name}={value}", "Origin": origin}
        answer = client.post("/login", data=form, headers=cookie, base_url=inside)
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {},
    ],
)
def test_posts_of_our_own_page_are_accepted(browser: Browser, headers: dict[str, str]) -> None:
    form = {"username": "ann", "password": UNHASHED, "csrf_token": browser.csrf()}
    assert browser.client.post("/login", data=form, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:8080"}, {"Origin": "https://localhost"}, {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"}, {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"},
    ],
)  # fmt: skip
def test_posts_from_elsewhere_are_refused_whatever_else_is_right(
    ann: Browser, headers: dict[str, str]
) -> None:
    form = {"csrf_token": ann.csrf()}
    assert ann.client.post("/logout", data=form, headers=headers).status_code == 403
    assert ann.get(HOURS).status_code == 200


def test_two_installations_at_one_host_name_do_not_mix_their_cookies(settings: Settings) -> None:
    hosts = ("https://charts.example", "https://charts.example:8443", "https://charts.example:8444")
    names = [cookie_name(replace(settings, public_url=url), "key") for url in hosts]
    assert len(set(names)) == 3
    assert {name.partition("truecandle")[0] for name in names} == {"__Host-"}
    assert cookie_name(settings, "one key") != cookie_name(settings, "another key")


def test_all_processes_of_one_installation_know_the_same_cookie(settings: Settings) -> None:
    for url in ("", "http://charts.example", "https://charts.example"):
        ports = [replace(settings, public_url=url, port=port) for port in (5000, 5001)]
        assert len({cookie_name(one, "key") for one in ports}) == 1

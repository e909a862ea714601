"""Signing in while others guess: what strangers may try, and that the owner always gets in.

Never here: sessions once they are there (`test_auth`), the second factor (`test_second_factor`).
Invariant: no more than 20 wrong passwords of one account are looked at in 15 minutes, from however
many addresses; the owner's known device, a recovery code and a one-time link are not among them.
"""

from __future__ import annotations

import re
import unicodedata

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.web_app import NOW_MS, PASSWORD, Browser, build, known_hash
from truecandle.config import Settings
from truecandle.store.accounts import Accounts
from truecandle.store.second_factors import SecondFactors
from truecandle.web import passwords, sign_in
from truecandle.web.rate_limit import SIGN_IN_PER_ACCOUNT, SIGN_IN_PER_ADDRESS, SIGN_IN_PER_PAIR

#: Too long to be anybody's password, so that it is refused without the time a hash takes.
UNHASHED = "x" * 1025


def attempt(browser: Browser, address: str, password: str = UNHASHED, **form: str) -> TestResponse:
    """A try from an address; 401: the password was looked at."""
    fields = {"username": "ann", "password": password, "csrf_token": browser.csrf(), **form}
    return browser.client.post("/login", data=fields, environ_base={"REMOTE_ADDR": address})


def guess(app: Flask, count: int, address: str = "10.{0}.{1}.7", name: str = "ann") -> list[int]:
    """So many tries, each from another address."""
    stranger = Browser(app)
    token = stranger.csrf()
    form = {"username": name, "password": UNHASHED, "csrf_token": token}
    return [
        stranger.client.post(
            "/login", data=form, environ_base={"REMOTE_ADDR": address.format(i // 250, i % 250)}
        ).status_code
        for i in range(count)
    ]


def test_a_thousand_addresses_get_twenty_looks_at_one_account(app: Flask, browser: Browser) -> None:
    codes = guess(app, 1_000)
    assert codes.count(401) == SIGN_IN_PER_ACCOUNT.amount == 20
    assert codes.count(429) == 980


def test_an_absent_name_is_limited_just_as_one_that_exists(app: Flask, browser: Browser) -> None:
    assert guess(app, 30, name="nobody") == guess(app, 30)


def test_one_address_gets_five_looks_at_one_account(app: Flask, browser: Browser) -> None:
    assert guess(app, 1_000, address="10.0.0.1").count(401) == SIGN_IN_PER_PAIR.amount == 5


def test_an_ipv6_network_of_one_customer_counts_as_one_address(
    app: Flask, browser: Browser
) -> None:
    codes = guess(app, 30, address="2001:db8:0:1:{0}::{1}")
    assert codes.count(401) == SIGN_IN_PER_PAIR.amount
    assert guess(app, 2, address="2001:db8:0:2::{1}") == [401, 401]


def test_an_ipv4_address_written_as_ipv6_is_the_same(app: Flask, browser: Browser) -> None:
    assert guess(app, 5, address="10.0.0.9") == [401] * 5
    assert guess(app, 1, address="::ffff:10.0.0.9") == [429]


def test_a_known_device_gets_in_while_others_guess_from_everywhere(
    app: Flask, browser: Browser
) -> None:
    assert browser.sign_in("ann", PASSWORD).status_code == 303
    browser.client.post("/logout", data={"csrf_token": browser.csrf()})
    assert guess(app, 100).count(429) == 80
    assert guess(app, 30, address="127.0.0.1").count(401) == 0
    for address in ("127.0.0.1", "10.0.0.1", "192.0.2.5"):
        assert attempt(browser, address, PASSWORD).status_code == 303
        browser.client.post("/logout", data={"csrf_token": browser.csrf()})


def test_a_known_device_has_a_bounded_number_of_tries_of_its_own(browser: Browser) -> None:
    browser.sign_in("ann", PASSWORD)
    browser.client.post("/logout", data={"csrf_token": browser.csrf()})
    codes = [attempt(browser, f"10.0.0.{i}").status_code for i in range(11)]
    assert codes == [401] * 10 + [429]


def test_a_device_is_known_to_its_own_account_only(app: Flask, browser: Browser) -> None:
    Accounts(browser_redis(app)).add("bob", known_hash(), NOW_MS, "viewer")
    browser.sign_in("bob", PASSWORD)
    browser.client.post("/logout", data={"csrf_token": browser.csrf()})
    guess(app, 25)
    assert attempt(browser, "192.0.2.1", PASSWORD).status_code == 429


def browser_redis(app: Flask) -> Redis:
    redis: Redis = app.extensions["truecandle"].redis
    return redis


@pytest.mark.parametrize("spoiled", ["", "x", "e30.aaaa.bbbb", "ü" * 40, "a" * 3_000])
def test_a_cookie_that_is_not_ours_makes_no_device_known(
    app: Flask, browser: Browser, spoiled: str
) -> None:
    guess(app, 25)
    browser.client.set_cookie("truecandle-5000-device", spoiled)
    assert attempt(browser, "192.0.2.1", PASSWORD).status_code == 429


def test_a_change_of_password_makes_every_device_unknown(app: Flask, browser: Browser) -> None:
    browser.sign_in("ann", PASSWORD)
    browser.client.post("/logout", data={"csrf_token": browser.csrf()})
    Accounts(browser_redis(app)).set_password("ann", known_hash())
    guess(app, 25)
    assert attempt(browser, "192.0.2.1", PASSWORD).status_code == 429


def test_a_one_time_link_works_however_often_others_have_tried(
    app: Flask, browser: Browser, redis: Redis
) -> None:
    guess(app, 25)
    guess(app, 25, address="127.0.0.1")
    link = Accounts(redis).add_link("ann")
    assert browser.post("/login/link", {"link": link}).status_code == 200


def test_wrong_links_are_limited_by_address(browser: Browser) -> None:
    wrong = {"link": "x" * 43}
    codes = [browser.post("/login/link", wrong).status_code for _ in range(25)]
    assert codes == [401] * SIGN_IN_PER_ADDRESS.amount + [429] * 5


def test_a_recovery_code_lets_an_unknown_device_in_while_others_guess(
    app: Flask, browser: Browser, redis: Redis
) -> None:
    factors = SecondFactors(redis)
    code = factors.confirm("ann", factors.draft("ann") or "")[0]
    guess(app, 25)
    refused = attempt(browser, "192.0.2.1", PASSWORD)
    assert refused.status_code == 429 and 'name="recovery"' in refused.text
    wrong = attempt(browser, "192.0.2.1", PASSWORD, recovery="A" * 16)
    assert wrong.status_code == 429
    answer = attempt(browser, "192.0.2.1", PASSWORD, recovery=code.lower())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.get("/data?symbol=BTCUSDT&interval=1h").status_code == 200
    again = attempt(Browser(app), "192.0.2.1", PASSWORD, recovery=code)
    assert again.status_code == 429, "a recovery code counts once"


def test_one_recovery_code_allows_five_tries_of_the_password(
    app: Flask, browser: Browser, redis: Redis
) -> None:
    factors = SecondFactors(redis)
    code = factors.confirm("ann", factors.draft("ann") or "")[0]
    forms = [code, code.lower(), f"{code[:8]}-{code[8:]}", f" {code} "] * 2
    codes = [attempt(browser, f"10.0.1.{i}", recovery=form) for i, form in enumerate(forms)]
    assert [answer.status_code for answer in codes] == [401] * 5 + [429] * 3


def test_right_passwords_do_not_use_up_the_tries(app: Flask, browser: Browser) -> None:
    for _ in range(25):
        newcomer = Browser(app)
        assert attempt(newcomer, "10.0.0.1", PASSWORD).status_code == 303


def test_the_counters_of_strangers_take_a_bounded_place(
    app: Flask, browser: Browser, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many names and addresses come, there are only so many counters."""
    monkeypatch.setattr(sign_in, "PLACES", 16)
    stranger = Browser(app)
    token = stranger.csrf()
    for i in range(300):
        form = {"username": f"name{i}", "password": UNHASHED, "csrf_token": token}
        origin = {"REMOTE_ADDR": f"10.1.{i // 250}.{i % 250}"}
        stranger.client.post("/login", data=form, environ_base=origin)
    counters = [key for key in redis.scan_iter("limit*")]
    assert len(counters) <= 3 * 16
    assert all(redis.llen(key) <= 20 for key in counters)
    assert all(0 < redis.ttl(key) <= 900 for key in counters)


def test_nobody_outside_knows_which_counters_names_share(app: Flask) -> None:
    """The place of a name depends on the server's own key."""
    with app.test_request_context():
        first = [sign_in._place(f"name{i}") for i in range(50)]
    app.config["SECRET_KEY"] = "another key, which is long enough too"
    with app.test_request_context():
        assert [sign_in._place(f"name{i}") for i in range(50)] != first


def test_the_same_password_is_right_however_a_keyboard_composes_it(
    app: Flask, browser: Browser, redis: Redis
) -> None:
    composed, apart = (unicodedata.normalize(form, "Grüße aus Málaga") for form in ("NFC", "NFD"))
    assert composed != apart
    for stored, typed in ((composed, apart), (apart, composed)):
        Accounts(redis).set_password("ann", passwords.hashed(stored))
        assert attempt(Browser(app), "10.0.0.1", typed).status_code == 303


def test_behind_tls_the_device_cookie_is_bound_to_the_host_and_secure(
    settings: Settings, browser: Browser, redis: Redis
) -> None:
    base = "https://candles.example"
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1"}
    client = build(settings, public_url=base).test_client()
    page = client.get("/login", headers=proxied, base_url=base).text
    token = re.findall(r'name="csrf-token" content="([^"]+)"', page)[0]
    sent = {"X-CSRFToken": token, "Origin": base, **proxied}
    link = {"link": Accounts(redis).add_link("ann")}
    answer = client.post("/login/link", json=link, headers=sent, base_url=base)
    flags = [text for text in answer.headers.getlist("Set-Cookie") if "-device=" in text]
    assert len(flags) == 1 and flags[0].startswith("__Host-")
    assert all(word in flags[0] for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"))
    assert "Domain" not in flags[0]

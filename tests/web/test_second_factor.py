"""The second factor: codes of a phone beside the password, and recovery codes without it.

Invariant: a code lets in once; without one, password and link let nobody in.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.web_app import NOW_MS, PASSWORD, Browser, Time
from truecandle.store.accounts import Accounts
from truecandle.web import second_factor
from truecandle.web.rate_limit import CODES
from truecandle.web.sign_in import FACTOR_S

HOURS = "/data?symbol=BTCUSDT&interval=1h"
NOW_S = NOW_MS // 1000


def post(browser: Browser, path: str, **form: str) -> TestResponse:
    return browser.client.post(path, data={"csrf_token": browser.csrf(), **form})


class Phone:
    """An authenticator that was shown a secret."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def code(self, at_s: int = NOW_S) -> str:
        return self._totp.at(at_s)


@pytest.fixture
def phone(ann: Browser) -> Phone:
    """Ann's, which has read the secret from her page; not confirmed yet."""
    page = post(ann, "/account/second-factor", password=PASSWORD).text
    secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert secret
    return Phone(secret[1].replace(" ", ""))


@pytest.fixture
def codes(ann: Browser, phone: Phone) -> list[str]:
    """The recovery codes; the second factor is on, by a code of half a minute ago."""
    page = post(ann, "/account/second-factor/confirm", code=phone.code(NOW_S - 30)).text
    found = re.findall(r"<li><code>([\w-]+)</code></li>", page)
    assert len(found) == len(set(found)) == 10
    return found


def begun(app: Flask, codes: list[str]) -> Browser:
    """A browser in which the password was given, and the code is asked for."""
    browser = Browser(app)
    answer = browser.sign_in("ann", PASSWORD, next="/?symbol=ETHUSDT")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login/code?next=/?symbol%3DETHUSDT"
    return browser


def enter(browser: Browser, code: str, **form: str) -> TestResponse:
    return post(browser, "/login/code", code=code, **form)


def test_the_password_alone_does_not_let_in_any_more(app: Flask, codes: list[str]) -> None:
    browser = begun(app, codes)
    assert browser.get(HOURS).status_code == 401
    page = browser.get("/login/code?next=/?symbol%3DETHUSDT")
    assert page.status_code == 200 and 'value="/?symbol=ETHUSDT"' in page.text


def test_the_phones_code_lets_in_and_leads_on(app: Flask, codes: list[str], phone: Phone) -> None:
    browser = begun(app, codes)
    answer = enter(browser, f" {phone.code()[:3]} {phone.code()[3:]} ", next="/?symbol=ETHUSDT")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?symbol=ETHUSDT")
    assert browser.get(HOURS).status_code == 200


def test_a_code_counts_once(app: Flask, codes: list[str], phone: Phone) -> None:
    assert enter(begun(app, codes), phone.code()).status_code == 303
    assert enter(begun(app, codes), phone.code()).status_code == 401
    assert enter(begun(app, codes), phone.code(NOW_S - 30)).status_code == 401, "it confirmed"
    assert enter(begun(app, codes), phone.code(NOW_S + 30)).status_code == 303


@pytest.mark.parametrize("off_s", [-3600, -60, 60, 3600])
def test_a_code_of_another_time_is_refused(
    app: Flask, codes: list[str], phone: Phone, off_s: int
) -> None:
    assert enter(begun(app, codes), phone.code(NOW_S + off_s)).status_code == 401


@pytest.mark.parametrize(
    "code", ["", "0", "000000000", "abcdef", "１２３４５６", "-12345", "x" * 5000]
)
def test_what_is_no_code_is_refused(app: Flask, codes: list[str], code: str) -> None:
    browser = begun(app, codes)
    assert enter(browser, code).status_code == 401
    assert browser.get(HOURS).status_code == 401


def test_codes_are_not_to_be_guessed_from_however_many_addresses(
    app: Flask, codes: list[str], phone: Phone
) -> None:
    browser = begun(app, codes)
    token = browser.csrf()
    form = {"csrf_token": token, "code": "000000"}
    got = [
        browser.client.post(
            "/login/code", data=form, environ_base={"REMOTE_ADDR": f"10.0.{i}.1"}
        ).status_code
        for i in range(100)
    ]
    assert got == [401] * CODES.amount + [429] * (100 - CODES.amount)
    assert enter(begun(app, codes), phone.code()).status_code == 429
    assert enter(begun(app, codes), codes[0]).status_code == 303, "a recovery code, all the same"


def test_a_recovery_code_lets_in_once_however_it_is_written(
    app: Flask, codes: list[str], redis: Redis
) -> None:
    assert enter(begun(app, codes), codes[0].lower()).status_code == 303
    assert enter(begun(app, codes), codes[0]).status_code == 401
    assert enter(begun(app, codes), codes[1].replace("-", " ")).status_code == 303
    browser = begun(app, codes)
    assert enter(browser, codes[2].replace("-", "")).status_code == 303
    assert "7 of 10 recovery codes are left" in browser.get("/account").text


def test_a_link_asks_for_the_code_too(app: Flask, codes: list[str], redis: Redis) -> None:
    browser = Browser(app)
    answer = browser.post("/login/link", {"link": Accounts(redis).add_link("ann")})
    assert answer.get_json() == {"next": "/login/code"}
    assert browser.get(HOURS).status_code == 401
    assert enter(browser, codes[0]).status_code == 303
    assert browser.get(HOURS).status_code == 200


def test_the_password_holds_five_minutes_while_the_phone_is_looked_for(
    app: Flask, codes: list[str], phone: Phone, clock: Time
) -> None:
    browser = begun(app, codes)
    clock.ms += FACTOR_S * 1000 + 1
    answer = enter(browser, phone.code(clock.ms // 1000))
    assert answer.status_code == 401 and "begin again" in answer.text
    assert browser.get("/login/code").headers["Location"] == "/login"


def test_after_a_change_of_password_a_begun_sign_in_is_void(
    app: Flask, codes: list[str], redis: Redis
) -> None:
    browser = begun(app, codes)
    Accounts(redis).set_password("ann", "another hash")
    assert enter(browser, codes[0]).status_code == 401


def test_nobody_is_asked_for_a_code_who_has_not_given_the_password(browser: Browser) -> None:
    assert browser.get("/login/code").status_code == 303
    assert enter(browser, "123456").status_code == 401


def test_it_is_on_only_once_a_code_was_given(app: Flask, ann: Browser, phone: Phone) -> None:
    wrong = post(ann, "/account/second-factor/confirm", code="000000")
    assert wrong.status_code == 400 and "phone's clock" in wrong.text.replace("&#39;", "'")
    assert Browser(app).sign_in("ann", PASSWORD).headers["Location"] == "/"
    assert post(ann, "/account/second-factor/confirm", code=phone.code()).status_code == 200
    assert Browser(app).sign_in("ann", PASSWORD).headers["Location"] == "/login/code?next=/"


def test_it_is_switched_off_with_the_password(app: Flask, ann: Browser, codes: list[str]) -> None:
    assert post(ann, "/account/second-factor/off", password="wrong").status_code == 403
    assert post(ann, "/account/second-factor/off", password=PASSWORD).status_code == 303
    assert Browser(app).sign_in("ann", PASSWORD).headers["Location"] == "/"
    assert post(ann, "/account/second-factor/off", password=PASSWORD).status_code == 409


def test_nothing_in_redis_makes_a_code(ann: Browser, phone: Phone, redis: Redis) -> None:
    everything = b"".join(redis.dump(key) or b"" for key in redis.scan_iter())
    secret = phone._totp.secret
    assert secret.encode() not in everything
    assert base64.b32decode(secret) not in everything


def test_the_secret_depends_on_the_servers_own_key(app: Flask, phone: Phone, redis: Redis) -> None:
    account, mark = Accounts(redis).get("ann"), redis.hget("user:ann", "factor_draft")
    assert account and isinstance(mark, bytes)
    app.config["SECRET_KEY"] = "another key, which is long enough too"
    with app.app_context():
        assert second_factor.secret(account, mark.decode()) != phone._totp.secret


def test_the_picture_is_our_own_and_holds_what_phones_read(
    app: Flask, ann: Browser, phone: Phone, redis: Redis
) -> None:
    account, mark = Accounts(redis).get("ann"), redis.hget("user:ann", "factor_draft")
    assert account and isinstance(mark, bytes)
    with app.app_context():
        picture = second_factor.picture(account, mark.decode())
        address = second_factor._totp(account, mark.decode()).provisioning_uri(
            name="ann", issuer_name="TrueCandle"
        )
    assert picture.startswith("data:image/svg+xml")
    assert "script" not in unquote(picture)
    query = parse_qs(urlsplit(address).query)
    assert query["secret"] == [phone._totp.secret] and query["issuer"] == ["TrueCandle"]

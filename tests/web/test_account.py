"""The account page: password, sessions, tokens, and for an admin the users.

Never here: who may send which form at all (`test_auth_roles`), the second factor.
Invariant: nothing that outlives a session is changed without the password.
"""

from __future__ import annotations

import re

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.web_app import NOW_MS, PASSWORD, Browser, Time, issue, known_hash
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import SESSIONS_PER_USER_MAX, CredentialStore
from truecandle.web.account import FRESH_S
from truecandle.web.rate_limit import CONFIRMATIONS

HOURS = "/data?symbol=BTCUSDT&interval=1h"
NEW = "a new one, long enough"


def post(browser: Browser, path: str, **form: str) -> TestResponse:
    return browser.client.post(f"/account/{path}", data={"csrf_token": browser.csrf(), **form})


def error(answer: TestResponse) -> str:
    found = re.search(r'<p class="error" role="alert">([^<]*)</p>', answer.text)
    assert found, answer.text
    return found[1]


def another(app: Flask, redis: Redis, agent: str = "Firefox", address: str = "10.9.8.7") -> Browser:
    """One more browser in which ann is signed in."""
    browser = Browser(app)
    browser.client.environ_base |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
    link = {"link": Accounts(redis).add_link("ann")}
    assert browser.post("/login/link", link).status_code == 200
    return browser


def test_who_is_not_signed_in_is_asked_to_and_comes_back(browser: Browser) -> None:
    answer = browser.get("/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/account")


def test_a_new_password_ends_all_other_sessions_and_this_one_goes_on(
    app: Flask, ann: Browser, redis: Redis
) -> None:
    other, token = another(app, redis), issue(redis)
    answer = post(ann, "password", password=PASSWORD, new=NEW)
    assert answer.status_code == 303
    said = ann.get("/account").text
    assert "Password changed. 1 other session ended, 1 API token still valid." in said
    assert ann.get(HOURS).status_code == 200
    assert other.get(HOURS).status_code == 401
    assert app.test_client().get(HOURS, headers=token).status_code == 200
    assert Browser(app).sign_in("ann", NEW).status_code == 303
    assert Browser(app).sign_in("ann", PASSWORD).status_code == 401


def test_the_tokens_end_too_if_that_is_wished(app: Flask, ann: Browser, redis: Redis) -> None:
    token = issue(redis, "write")
    post(ann, "password", password=PASSWORD, new=NEW, tokens="end")
    assert "1 API token ended." in ann.get("/account").text
    assert app.test_client().get(HOURS, headers=token).status_code == 401


@pytest.mark.parametrize(
    ("old", "new", "status", "words"),
    [
        ("wrong", NEW, 403, "This is not your password."),
        ("", NEW, 403, "This is not your password."),
        ("x" * 2000, NEW, 403, "This is not your password."),
        (PASSWORD, "short", 400, "at least 8 characters"),
        (PASSWORD, "password123", 400, "anybody would try"),
        (PASSWORD, "x" * 2000, 400, "at most 1024"),
    ],
)
def test_a_password_that_will_not_do_is_refused_in_words(
    ann: Browser, old: str, new: str, status: int, words: str
) -> None:
    answer = post(ann, "password", password=old, new=new)
    assert answer.status_code == status and words in error(answer)
    assert new not in answer.text
    assert Browser(ann.client.application).sign_in("ann", PASSWORD).status_code == 303


def test_whoever_holds_a_session_cannot_guess_its_password(ann: Browser) -> None:
    codes = [post(ann, "password", password="x" * 1025, new=NEW).status_code for _ in range(12)]
    assert codes == [403] * CONFIRMATIONS.amount + [429] * 2
    assert post(ann, "password", password=PASSWORD, new=NEW).status_code == 429


def test_who_has_no_password_sets_one_shortly_after_signing_in(
    app: Flask, browser: Browser, redis: Redis, clock: Time
) -> None:
    Accounts(redis).add("bob", "", NOW_MS, "viewer")
    link = {"link": Accounts(redis).add_link("bob")}
    assert browser.post("/login/link", link).status_code == 200
    clock.ms += FRESH_S * 1000 + 1
    answer = post(browser, "password", new=NEW)
    assert answer.status_code == 403 and "15 minutes" in error(answer)
    clock.ms = NOW_MS
    assert post(browser, "password", new=NEW).status_code == 303
    assert Browser(app).sign_in("bob", NEW).status_code == 303


def test_sessions_are_listed_with_when_from_where_and_which_browser(
    app: Flask, ann: Browser, redis: Redis
) -> None:
    another(app, redis, 'Fire<b>fox"\n', "10.9.8.7")
    page = ann.get("/account").text
    assert page.count("2024-01-01 20:30 UTC") >= 2
    assert 'from 10.9.8.7, <span title="Fire&lt;b&gt;fox&#34;">Fire&lt;b&gt;fox&#34;<' in page
    assert page.count("This browser") == 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
            "Firefox on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
    ],
)
def test_a_session_names_its_browser_as_people_do(
    app: Flask, ann: Browser, redis: Redis, agent: str, words: str
) -> None:
    another(app, redis, agent)
    assert f'<span title="{agent}">{words}<' in ann.get("/account").text


def test_one_session_or_all_others_are_ended(app: Flask, ann: Browser, redis: Redis) -> None:
    first, second, third = (another(app, redis) for _ in range(3))
    ids = re.findall(r'name="id" value="([0-9a-f]{12})"', ann.get("/account").text)
    assert len(ids) == 3
    assert post(ann, "sessions/end", id=ids[0]).status_code == 303
    assert sum(one.get(HOURS).status_code == 401 for one in (first, second, third)) == 1
    assert post(ann, "sessions/end", id=ids[0]).status_code == 404
    assert post(ann, "sessions/end", id="others").status_code == 303
    assert {one.get(HOURS).status_code for one in (first, second, third)} == {401}
    assert ann.get(HOURS).status_code == 200


@pytest.mark.parametrize("wanted", ["", "*", "0" * 12, "0" * 64, "sessions:ann"])
def test_what_is_no_session_of_ones_own_cannot_be_ended(
    app: Flask, ann: Browser, redis: Redis, wanted: str
) -> None:
    Accounts(redis).add("bob", known_hash(), NOW_MS, "admin")
    bob = Browser(app)
    bob.post("/login/link", {"link": Accounts(redis).add_link("bob")})
    theirs = CredentialStore(redis).sessions("bob", NOW_MS)[0].id
    assert post(ann, "sessions/end", id=wanted or theirs).status_code == 404
    assert bob.get(HOURS).status_code == 200


def test_the_oldest_session_ends_when_there_are_too_many(
    ann: Browser, redis: Redis, clock: Time
) -> None:
    store = CredentialStore(redis)
    for number in range(SESSIONS_PER_USER_MAX):
        assert store.open("ann", NOW_MS + 1 + number, "", "")
    assert len(store.sessions("ann", NOW_MS + 1)) == SESSIONS_PER_USER_MAX
    assert ann.get(HOURS).status_code == 401


def test_sessions_that_have_ended_leave_nothing_behind(ann: Browser, redis: Redis) -> None:
    ann.client.post("/logout", data={"csrf_token": ann.csrf()})
    assert not redis.exists("sessions:ann") and not list(redis.scan_iter("session:*"))


def test_a_session_from_before_there_was_a_list_is_listed_once_it_is_used(
    ann: Browser, redis: Redis
) -> None:
    key = next(redis.scan_iter("session:*"))
    redis.delete("sessions:ann")
    redis.hdel(key, "address", "browser")
    redis.expire(key, 100)
    assert ann.get(HOURS).status_code == 200
    assert "This browser" in ann.get("/account").text


def test_a_token_is_made_shown_once_and_ended(app: Flask, ann: Browser) -> None:
    fields = {"label": "note<b>", "scope": "write", "password": PASSWORD}
    answer = post(ann, "tokens", **fields)
    assert answer.status_code == 200
    secret = re.search(r'<code class="secret">([\w-]{43})</code>', answer.text)
    assert secret
    header = {"Authorization": f"Bearer {secret[1]}"}
    assert app.test_client().get(HOURS, headers=header).status_code == 200
    page = ann.get("/account").text
    assert secret[1] not in page and "note&lt;b&gt;" in page
    found = re.search(r'name="id" value="([0-9a-f]{12})"', page)
    assert found and post(ann, "tokens/end", id=found[1]).status_code == 303
    assert app.test_client().get(HOURS, headers=header).status_code == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"label": "x" * 101, "password": PASSWORD}, 400),
        ({"label": "a\x00b", "password": PASSWORD}, 400),
        ({"scope": "admin", "password": PASSWORD}, 400),
        ({"label": "ok", "password": "wrong"}, 403),
        ({"label": "ok"}, 403),
    ],
)
def test_a_token_that_cannot_be_made_is_refused(
    ann: Browser, redis: Redis, form: dict[str, str], status: int
) -> None:
    answer = post(ann, "tokens", **form)
    assert answer.status_code == status and error(answer)
    assert CredentialStore(redis).tokens() == []


def test_a_viewer_makes_tokens_that_read_only(ann: Browser, redis: Redis) -> None:
    Accounts(redis).set_role("ann", "viewer")
    assert "Read and write" not in ann.get("/account").text
    answer = post(ann, "tokens", scope="write", password=PASSWORD)
    assert answer.status_code == 403 and "role trader" in error(answer)
    assert post(ann, "tokens", scope="read", password=PASSWORD).status_code == 200


def test_an_admin_sees_all_users_and_tokens_and_gives_roles(
    app: Flask, ann: Browser, redis: Redis
) -> None:
    bobs = issue(redis, "write", "bob")
    page = ann.get("/account").text
    assert "Role of bob" in page and "of bob" in page and "Role of ann" not in page
    assert post(ann, "users/role", name="bob", role="viewer").status_code == 303
    assert app.test_client().put("/settings", json={}, headers=bobs).status_code == 403
    Accounts(redis).set_role("ann", "trader")
    assert "Role of bob" not in ann.get("/account").text
    assert post(ann, "users/role", name="bob", role="admin").status_code == 403


@pytest.mark.parametrize(
    ("name", "role", "status"),
    [("ann", "viewer", 409), ("nobody", "viewer", 404), ("bob", "root", 400), ("", "", 400)],
)
def test_a_role_that_cannot_be_given_is_refused(
    ann: Browser, redis: Redis, name: str, role: str, status: int
) -> None:
    issue(redis, "read", "bob")
    answer = post(ann, "users/role", name=name, role=role)
    assert answer.status_code == status and error(answer)


def test_the_page_is_kept_by_no_cache_and_shows_no_secret(ann: Browser, redis: Redis) -> None:
    answer = ann.get("/account")
    assert answer.headers["Cache-Control"] == "no-store"
    account = Accounts(redis).get("ann")
    assert account and account.password not in answer.text and account.epoch not in answer.text

"""`/settings`: each user's own, checked key by key, and gone with the user."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.web_app import NOW_MS, Browser, issue, known_hash, page_config, said
from truecandle.store import keys, user_settings
from truecandle.store.accounts import Accounts

ALL: dict[str, Any] = {
    "theme": "dark",
    "zone": "Europe/Berlin",
    "colors": "blue-orange",
    "type": "heikin-ashi",
    "scale": "percent",
    "inverted": True,
    "auto": False,
    "shortcuts": True,
    "tools": True,
    "panel": "drawings",
    "favourites": ["BTCUSDT", "币安人生USDT"],
    "last": {"symbol": "BTCUSDT", "interval": "1M"},
    "studies": [
        {
            "id": "s1",
            "kind": "bollinger",
            "inputs": {"period": 20, "deviations": 3, "source": "close"},
            "style": {"color": "series-1", "width": 2},
        }
    ],
}


def put(browser: Browser, settings: object, **headers: str) -> TestResponse:
    sent = {"X-CSRFToken": browser.csrf(), **headers}
    return browser.client.put("/settings", json={"settings": settings}, headers=sent)


def test_nothing_is_set_at_first(ann: Browser) -> None:
    answer = ann.get("/settings")
    assert said(answer) == {"settings": {}, "version": 0}
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_what_is_set_is_there_again_and_replaced_whole(ann: Browser) -> None:
    assert said(put(ann, ALL)) == {"settings": ALL, "version": 1}
    assert said(ann.get("/settings")) == {"settings": ALL, "version": 1}
    assert said(put(ann, {"theme": "light"})) == {"settings": {"theme": "light"}, "version": 2}
    assert said(ann.get("/settings"))["settings"] == {"theme": "light"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("theme", one) for one in ("system", "dark", "light")),
        *(("zone", one) for one in ("UTC", "local", "Asia/Kathmandu", "America/New_York")),
        ("panel", "none"),
        ("scale", "normal"),
        ("favourites", []),
        ("favourites", [f"S{number}USDT" for number in range(200)]),
        ("last", None),
        ("studies", [{"id": "s1", "kind": "supertrend", "inputs": {"factor": 2.25}}]),
    ],
)
def test_every_value_that_a_key_may_have_is_taken(ann: Browser, key: str, value: object) -> None:
    assert said(put(ann, {key: value}))["settings"] == {key: value}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"theme": "pink"}, ("theme", "'pink'", "system, dark, light")),
        ({"theme": None}, ("theme", "None", "system, dark, light")),
        ({"zone": "Mars/Base"}, ("zone", "'Mars/Base'", "Europe/Berlin")),
        ({"zone": "../../etc/passwd"}, ("zone", "passwd", "IANA")),
        ({"zone": ["UTC"]}, ("zone", "['UTC']", "IANA")),
        ({"inverted": 1}, ("inverted", "1", "true or false")),
        ({"auto": 1.5}, ("auto", "1.5", "true or false")),
        ({"favourites": "BTCUSDT"}, ("favourites", "'BTCUSDT'", "200")),
        ({"favourites": [f"S{n}" for n in range(201)]}, ("favourites", "201 of them", "200")),
        ({"favourites": ["btcusdt"]}, ("favourites", "'btcusdt'", "upper-case")),
        ({"favourites": [["BTCUSDT"]]}, ("favourites", "BTCUSDT", "upper-case")),
        ({"last": "BTCUSDT:1m"}, ("last", "'BTCUSDT:1m'", "symbol")),
        ({"last": {"symbol": "BTCUSDT"}}, ("interval is missing",)),
        ({"last": {"symbol": "BTCUSDT", "interval": "7m"}}, ("interval", "'7m'", "15m")),
        ({"last": {**ALL["last"], "x": 1}}, ("field of last", "'x'", "interval, symbol")),
        ({"studies": [{"id": "s1", "kind": "magic"}]}, ("kind", "'magic'", "ema")),
        ({"colour": "red"}, ("field of settings", "'colour'", "favourites")),
        ({"__proto__": {}}, ("field of settings", "'__proto__'")),
        ([], ("settings", "[]", "a JSON object")),
        (None, ("settings", "None", "a JSON object")),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_may_be(
    ann: Browser, given: object, named: tuple[str, ...]
) -> None:
    put(ann, {"theme": "dark"})
    answer = put(ann, given)
    assert (answer.status_code, said(answer)["code"]) == (400, "parameter")
    assert [word for word in named if word not in said(answer)["detail"]] == []
    assert said(ann.get("/settings")) == {"settings": {"theme": "dark"}, "version": 1}


def test_more_than_16_kb_are_too_many(ann: Browser) -> None:
    names = [f"S{number}{'A' * 14}" for number in range(200)]
    assert put(ann, {"favourites": names}).status_code == 200
    answer = put(ann, {"favourites": ["A" * 20_000]})
    assert (answer.status_code, said(answer)["code"]) == (413, "too-large")


def test_each_user_has_settings_of_their_own(app: Flask, ann: Browser, redis: Redis) -> None:
    put(ann, {"theme": "dark"})
    bob = Browser(app)
    Accounts(redis).add("bob", known_hash(), NOW_MS, "admin")
    bob.post("/login/link", {"link": Accounts(redis).add_link("bob")})
    assert said(bob.get("/settings"))["settings"] == {}
    put(bob, {"theme": "light"})
    assert said(ann.get("/settings"))["settings"] == {"theme": "dark"}


def test_a_token_is_its_users_and_needs_to_write_to_change(app: Flask, redis: Redis) -> None:
    client, body = app.test_client(), {"settings": {"theme": "dark"}}
    reader, writer = issue(redis, "read"), issue(redis, "write")
    assert client.put("/settings", json=body, headers=writer).status_code == 200
    assert said(client.get("/settings", headers=reader))["settings"] == {"theme": "dark"}
    refused = client.put("/settings", json=body, headers=reader)
    assert (refused.status_code, said(refused)["code"]) == (403, "scope")


def test_nobody_else_gets_or_changes_them(app: Flask, ann: Browser) -> None:
    client = app.test_client()
    assert client.get("/settings").status_code == 401
    assert client.put("/settings", json={"settings": {}}).status_code == 401
    without = ann.client.put("/settings", json={"settings": {}})
    assert (without.status_code, said(without)["code"]) == (403, "csrf")
    foreign = put(ann, {}, Origin="https://evil.example")
    assert (foreign.status_code, said(foreign)["code"]) == (403, "origin")


def test_they_go_with_their_user_and_nothing_brings_them_back(ann: Browser, redis: Redis) -> None:
    put(ann, ALL)
    assert redis.exists(keys.settings("ann"))
    assert Accounts(redis).remove("ann")
    assert not redis.exists(keys.settings("ann"))
    assert user_settings.save(redis, "ann", "{}") == 0
    assert not redis.exists(keys.settings("ann"))
    Accounts(redis).add("ann", "", NOW_MS, "admin")
    assert user_settings.read(redis, "ann").version == 0


def test_the_page_carries_them(ann: Browser) -> None:
    assert page_config(ann, "/")["settings"] == {}
    put(ann, ALL)
    assert page_config(ann, "/")["settings"] == ALL


def test_without_an_address_the_page_opens_what_was_open_last(ann: Browser) -> None:
    put(ann, {"last": {"symbol": "ETHUSDT", "interval": "1h"}})
    assert shown(ann, "/") == ("ETHUSDT", "1h")
    assert shown(ann, "/?symbol=BTCUSDT") == ("BTCUSDT", "1h")
    put(ann, {"last": {"symbol": "GONEUSDT", "interval": "2h"}})
    assert shown(ann, "/") == ("BTCUSDT", "1m")


def test_an_address_is_understood_in_whatever_case(ann: Browser) -> None:
    assert shown(ann, "/?symbol=ethusdt&interval=1H") == ("ETHUSDT", "1h")
    put(ann, {"last": {"symbol": "ETHUSDT", "interval": "1h"}})
    page = ann.get("/?symbol=dogeusdt").text
    assert "<title>DOGEUSDT 1h" in page
    assert "<strong>DOGEUSDT</strong>" in page
    assert shown(ann, "/?symbol=%3Cb%3E") == ("ETHUSDT", "1h")


def shown(browser: Browser, path: str) -> tuple[str, str]:
    """The market and interval that the page begins with."""
    config = page_config(browser, path)
    return config["symbol"], config["interval"]


def test_damaged_settings_are_none(ann: Browser, redis: Redis) -> None:
    redis.hset(keys.settings("ann"), mapping={"text": "{cut", "version": "3"})
    assert page_config(ann, "/")["settings"] is None
    assert put(ann, {"theme": "dark"}).status_code == 200
    assert json.loads(user_settings.read(redis, "ann").text) == {"theme": "dark"}

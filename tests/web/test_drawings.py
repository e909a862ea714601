"""`/drawings/<symbol>`: each user's own, checked field by field, saved by version."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.project_files import ROOT
from tests.support.web_app import NOW_MS, Browser, issue, known_hash, said
from truecandle.candles.interval import LAST_MS
from truecandle.store import keys
from truecandle.store.accounts import Accounts
from truecandle.web import drawings
from truecandle.web.drawings import COLORS, DASHES, KINDS, WIDTHS

POINT = {"time": NOW_MS, "price": "67010.5"}
LINE: dict[str, Any] = {"id": "a1", "kind": "trend", "points": [POINT, POINT]}
WHOLE: dict[str, Any] = {
    "id": "Zz_-9",
    "kind": "text",
    "points": [{"time": 0, "price": "0.00000001"}],
    "style": {"color": "accent", "width": 2, "dash": "dashed"},
    "text": "höher ↑\n👩‍🚀 <b>&amp;",
    "locked": True,
    "hidden": False,
}


def put(browser: Browser, found: object, version: object = 0, **headers: str) -> TestResponse:
    sent = {"X-CSRFToken": browser.csrf(), **headers}
    body = {"drawings": found, "version": version}
    return browser.client.put("/drawings/BTCUSDT", json=body, headers=sent)


def of_kind(kind: str, count: int, **fields: object) -> dict[str, Any]:
    return {"id": kind, "kind": kind, "points": [POINT] * count, **fields}


def test_what_was_drawn_is_there_again_until_it_is_taken_away(ann: Browser) -> None:
    answer = ann.get("/drawings/BTCUSDT")
    assert said(answer) == {"drawings": [], "version": 0}
    assert answer.headers["Cache-Control"] == "private, no-cache"
    drawn = [WHOLE, *(of_kind(kind, count) for kind, count in KINDS.items())]
    assert said(put(ann, drawn)) == {"drawings": drawn, "version": 1}
    assert said(ann.get("/drawings/BTCUSDT")) == {"drawings": drawn, "version": 1}
    assert said(ann.get("/drawings/ETHUSDT"))["drawings"] == []
    assert said(put(ann, [], 1)) == {"drawings": [], "version": 0}
    assert said(put(ann, drawn)) == {"drawings": drawn, "version": 2}


def test_whoever_saves_over_a_version_that_he_has_not_seen_is_told_the_newer_one(
    ann: Browser,
) -> None:
    put(ann, [LINE])
    newer = {**LINE, "id": "b2"}
    assert put(ann, [LINE, newer], 1).status_code == 200
    answer = put(ann, [], 1)
    assert (answer.status_code, said(answer)["code"]) == (409, "conflict")
    assert said(answer)["current"] == {"drawings": [LINE, newer], "version": 2}
    assert answer.mimetype == "application/problem+json"
    assert said(ann.get("/drawings/BTCUSDT"))["version"] == 2


def test_a_price_keeps_its_decimal_text_without_trailing_zeros(ann: Browser) -> None:
    points = [{"time": LAST_MS - 1, "price": "0067010.500"}]
    kept = said(put(ann, [{"id": "a", "kind": "vertical", "points": points}]))["drawings"][0]
    assert kept["points"] == [{"time": LAST_MS - 1, "price": "67010.5"}]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("id", "", ("id", "''", "1 to 16")),
        ("id", "a b", ("id", "'a b'")),
        ("id", 7, ("id", "7")),
        ("kind", "spiral", ("kind", "'spiral'", "fibonacci")),
        ("kind", ["trend"], ("kind", "['trend']")),
        ("points", [POINT], ("points", "1 of them", "2 of them for the kind trend")),
        ("points", [POINT] * 4, ("points", "4 of them", "3 points")),
        ("points", {}, ("points", "{}", "array")),
        ("points", [POINT, None], ("point", "None", "JSON object")),
        ("points", [POINT, {**POINT, "x": 1}], ("field of point", "'x'", "price, time")),
        ("points", [POINT, {"time": 1}], ("price is missing",)),
        ("points", [POINT, {**POINT, "time": -1}], ("time", "-1", "ms since 1970")),
        ("points", [POINT, {**POINT, "time": 1.5}], ("time", "'1.5'")),
        ("points", [POINT, {**POINT, "time": True}], ("time", "True")),
        ("points", [POINT, {**POINT, "time": LAST_MS}], ("time", str(LAST_MS))),
        ("points", [POINT, {**POINT, "price": 67010.5}], ("price", "'67010.5'", "decimal text")),
        ("points", [POINT, {**POINT, "price": "-1"}], ("price", "'-1'", "0 or more")),
        ("points", [POINT, {**POINT, "price": "1e5"}], ("price", "'1e5'", "exponent")),
        ("points", [POINT, {**POINT, "price": "9" * 21}], ("price",)),
        ("points", [POINT, {**POINT, "price": "NaN"}], ("price", "'NaN'")),
        ("style", {"color": "#ff0000"}, ("color", "'#ff0000'", "accent")),
        ("style", {"color": "url(//evil.example)"}, ("color", "evil.example", "accent")),
        ("style", {"width": 5}, ("width", "5", "1, 2, 3, 4")),
        ("style", {"width": True}, ("width", "True")),
        ("style", {"dash": "wavy"}, ("dash", "'wavy'", "dotted")),
        ("style", {"z": 1}, ("field of style", "'z'", "color, dash, width")),
        ("style", "thick", ("style", "'thick'", "JSON object")),
        ("text", "x" * 201, ("text", "200 characters")),
        ("text", "a\x00b", ("text", "control")),
        ("text", "\x1b[31m", ("text", "control")),
        ("text", "\ud800", ("text", "control")),
        ("text", None, ("text", "None")),
        ("locked", 1, ("locked", "1", "true or false")),
        ("hidden", "yes", ("hidden", "'yes'")),
        ("__proto__", {}, ("field of drawing", "'__proto__'", "points")),
    ],
)
def test_a_wrong_field_is_named_with_what_it_may_be(
    ann: Browser, field: str, value: object, named: tuple[str, ...]
) -> None:
    put(ann, [LINE])
    answer = put(ann, [LINE, {**LINE, "id": "b2", field: value}], 1)
    assert (answer.status_code, said(answer)["code"]) == (400, "parameter")
    assert [word for word in named if word not in said(answer)["detail"]] == []
    assert said(ann.get("/drawings/BTCUSDT")) == {"drawings": [LINE], "version": 1}


def test_ids_are_unique_and_500_drawings_or_64_kib_are_the_most(ann: Browser) -> None:
    twice = put(ann, [LINE, LINE])
    assert "each id once" in said(twice)["detail"]
    many = [{"id": f"{n}", "kind": "text", "points": [POINT]} for n in range(501)]
    assert put(ann, many[:500]).status_code == 200
    assert "501 of them" in said(put(ann, many, 1))["detail"]
    long = [{**WHOLE, "id": f"{n}", "text": "x" * 200} for n in range(300)]
    answer = put(ann, long, 1)
    assert (answer.status_code, said(answer)["code"]) == (413, "too-large")
    assert said(ann.get("/drawings/BTCUSDT"))["version"] == 1


@pytest.mark.parametrize("version", [-1, 1.0, "0", None, True, 2**53])
def test_a_version_is_a_whole_number(ann: Browser, version: object) -> None:
    answer = put(ann, [LINE], version)
    assert (answer.status_code, "version" in said(answer)["detail"]) == (400, True)


def test_60_are_saved_a_minute_and_no_more(ann: Browser) -> None:
    token = ann.csrf()
    answers = [
        ann.client.put(
            "/drawings/BTCUSDT",
            json={"drawings": [{**LINE, "id": f"{number}"}], "version": number},
            headers={"X-CSRFToken": token},
        )
        for number in range(61)
    ]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= 60


def test_200_markets_may_be_drawn_on(ann: Browser, redis: Redis) -> None:
    full = {f"M{number}USDT": "1 []" for number in range(200)}
    redis.hset(keys.drawings("ann"), mapping=full)  # type: ignore[arg-type]
    answer = put(ann, [LINE])
    assert (answer.status_code, said(answer)["code"]) == (409, "too-many")
    assert "200 markets with drawings" in said(answer)["detail"]


def test_they_are_their_users_alone_and_go_with_him(app: Flask, ann: Browser, redis: Redis) -> None:
    put(ann, [LINE])
    bob = Browser(app)
    Accounts(redis).add("bob", known_hash(), NOW_MS, "trader")
    bob.post("/login/link", {"link": Accounts(redis).add_link("bob")})
    assert said(bob.get("/drawings/BTCUSDT"))["drawings"] == []
    assert said(put(bob, [{**LINE, "id": "bobs"}]))["version"] == 1
    assert said(ann.get("/drawings/BTCUSDT"))["drawings"] == [LINE]
    reader = issue(redis, "read")
    assert said(app.test_client().get("/drawings/BTCUSDT", headers=reader))["drawings"] == [LINE]
    assert Accounts(redis).remove("ann")
    assert not redis.exists(keys.drawings("ann"))


def test_the_page_knows_the_same_kinds_and_styles() -> None:
    """And the same bounds."""
    text = (ROOT / "static" / "src" / "drawings" / "drawing.ts").read_text(encoding="utf-8")
    kinds = re.findall(r"^  (\w+): \{ points: (\d)", text, re.M)
    assert {name: int(count) for name, count in kinds} == dict(KINDS)
    for name, values in (("COLORS", COLORS), ("WIDTHS", WIDTHS), ("DASHES", DASHES)):
        listed = re.search(rf"^export const {name} = \[(.*)\]", text, re.M)
        assert listed
        assert [one.strip(' "') for one in listed[1].split(",")] == [str(one) for one in values]
    for name in ("DRAWINGS_MAX", "TEXT_CHARS_MAX"):
        assert f"export const {name} = {getattr(drawings, name)};" in text

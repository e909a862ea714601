"""`/layouts`: each user's own, named, checked field by field, saved by version."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.web_app import Browser, said
from truecandle.store import keys

STUDY: dict[str, Any] = {
    "id": "s1",
    "kind": "bollinger",
    "inputs": {"period": 20, "deviations": 2.5, "source": "close"},
    "style": {"color": "series-1", "width": 2},
    "hidden": True,
}
PANE: dict[str, Any] = {"symbol": "BTCUSDT", "interval": "1h"}
WHOLE: dict[str, Any] = {
    "grid": 2,
    "panes": [
        {**PANE, "type": "heikin-ashi", "scale": "log", "inverted": True, "studies": [STUDY]},
        {"symbol": "币安人生USDT", "interval": "1M"},
    ],
    "links": {"crosshair": True, "range": False, "symbol": False, "interval": True},
}
ONE: dict[str, Any] = {"grid": 1, "panes": [PANE]}


def put(browser: Browser, name: str, layout: object, version: int = 0) -> TestResponse:
    body = {"layout": layout, "version": version}
    headers = {"X-CSRFToken": browser.csrf()}
    return browser.client.put(f"/layouts/{quote(name)}", json=body, headers=headers)


def delete(browser: Browser, name: str) -> TestResponse:
    return browser.client.delete(f"/layouts/{quote(name)}", headers={"X-CSRFToken": browser.csrf()})


def test_a_layout_is_made_listed_read_replaced_and_taken_away(ann: Browser) -> None:
    name = "Früh: BTC & ETH 100 %"
    assert said(ann.get("/layouts")) == {"layouts": []}
    assert said(put(ann, name, WHOLE)) == {"name": name, "layout": WHOLE, "version": 1}
    assert said(put(ann, "b", ONE))["version"] == 2
    rows = [{"name": name, "version": 1}, {"name": "b", "version": 2}]
    assert said(ann.get("/layouts")) == {"layouts": sorted(rows, key=lambda row: str(row["name"]))}
    assert said(ann.get(f"/layouts/{quote(name)}")) == {
        "name": name, "layout": WHOLE, "version": 1,
    }  # fmt: skip
    assert said(put(ann, name, ONE, 1))["version"] == 3
    stale = put(ann, name, WHOLE, 1)
    assert (stale.status_code, said(stale)["code"]) == (409, "conflict")
    assert said(stale)["current"] == {"layout": ONE, "version": 3}
    assert delete(ann, name).status_code == 204
    again = delete(ann, name)
    assert (again.status_code, said(again)["code"]) == (404, "unknown-layout")
    assert ann.get(f"/layouts/{quote(name)}").status_code == 404


@pytest.mark.parametrize("name", ["x" * 61, " a", "a ", "..", "a\tb", "a\u202eb", "\u200b"])
def test_a_name_is_what_people_can_see(ann: Browser, name: str) -> None:
    answer = put(ann, name, ONE)
    assert answer.status_code in (400, 404)
    assert answer.mimetype == "application/problem+json"
    assert said(ann.get("/layouts")) == {"layouts": []}


@pytest.mark.parametrize(
    ("layout", "named"),
    [
        (None, ("layout", "None", "JSON object")),
        ({"grid": 1}, ("panes is missing",)),
        ({"grid": 5, "panes": [PANE] * 4}, ("grid", "5", "1, 2, 3, 4")),
        ({"grid": 2, "panes": [PANE]}, ("panes", "1 of them", "2 of them, as grid says")),
        ({"grid": 4, "panes": [PANE] * 5}, ("panes", "5 of them", "at most 4")),
        ({"grid": 1, "panes": [{**PANE, "symbol": "btcusdt"}]}, ("symbol", "upper-case")),
        ({"grid": 1, "panes": [{**PANE, "interval": "7m"}]}, ("interval", "'7m'")),
        ({"grid": 1, "panes": [{**PANE, "type": "kagi"}]}, ("type", "'kagi'", "hollow")),
        ({"grid": 1, "panes": [{**PANE, "html": "<b>"}]}, ("field of pane", "'html'")),
        ({**ONE, "links": {"theme": True}}, ("field of links", "'theme'", "crosshair")),
        ({**ONE, "links": {"range": 1}}, ("range", "1", "true or false")),
        ({**ONE, "owner": "bob"}, ("field of layout", "'owner'")),
    ],
)
def test_a_wrong_field_is_named_with_what_it_may_be(
    ann: Browser, layout: object, named: tuple[str, ...]
) -> None:
    answer = put(ann, "a", layout)
    assert (answer.status_code, said(answer)["code"]) == (400, "parameter")
    assert [word for word in named if word not in said(answer)["detail"]] == []
    assert said(ann.get("/layouts")) == {"layouts": []}


def test_fifty_are_the_most(ann: Browser, redis: Redis) -> None:
    redis.hset(keys.layouts("ann"), mapping={f"{n}": "1 null" for n in range(50)})
    answer = put(ann, "one more", ONE)
    assert (answer.status_code, said(answer)["code"]) == (409, "too-many")
    assert "There are 50 layouts already" in said(answer)["detail"]

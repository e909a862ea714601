"""`/openapi.json` and `/docs` describe what is there: every route, by what checks its requests.

Never here: what an answer means.
Invariant: the description and the application have the same routes, parameters and answers.
"""

from __future__ import annotations

import re

from flask import Flask
from jsonschema import Draft202012Validator
from redis import Redis

from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    Browser,
    said,
    store_hours,
    store_live,
)
from truecandle.store import official
from truecandle.web.api_description import OPERATIONS


def test_every_route_is_described_and_nothing_else(app: Flask) -> None:
    ours = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(OPERATIONS) == ours


def test_every_path_takes_what_its_description_says(ann: Browser) -> None:
    """A parameter that no path has is refused with the list of those that it has."""
    compared = 0
    for name, operation in OPERATIONS.items():
        method, path = name.split()
        answer = ann.client.open(path, method=method, query_string={"nonsense": "1"})
        if answer.mimetype != "application/problem+json" or "'nonsense'" not in answer.text:
            continue
        allowed = said(answer)["detail"].partition("allowed: ")[2].split(", ")
        expected = [one.name for one in operation.parameters] or ["none here"]
        assert allowed == expected, name
        compared += 1
    assert compared >= 9


def test_the_document_is_whole(ann: Browser) -> None:
    answer = ann.get("/openapi.json")
    found = said(answer)
    assert found["openapi"].startswith("3.1.")
    used = set(re.findall(r'"#/components/schemas/(\w+)"', answer.text))
    assert used <= set(found["components"]["schemas"])
    operations = [one for path in found["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names)) == len(OPERATIONS)
    for one in operations:
        assert one["summary"] and len(one["description"]) > 20, one
        assert all(parameter["schema"] for parameter in one["parameters"])
    data = found["paths"]["/data"]["get"]
    assert {"token": []} in data["security"] and {} in data["security"]
    assert set(data["responses"]["200"]["content"]) >= {"application/json", "text/csv"}
    assert "503" in data["responses"]
    assert found["paths"]["/healthz"]["get"]["security"] == [{}]


HOURS = "symbol=BTCUSDT&interval=1h"
GOOD = (
    f"/data?{HOURS}&live=1&marks=1",
    f"/data?{HOURS}&fields=all&decimals=string",
    f"/data?{HOURS}&format=rows",
    f"/data?{HOURS}&format=binance",
    "/data?series=BTCUSDT:1h,ETHUSDT:1h",
    "/data?series=BTCUSDT:1h,ETHUSDT:1h&format=rows",
    f"/live-candle?{HOURS}",
    f"/gaps?{HOURS}",
    f"/corrections?{HOURS}",
    f"/audit?{HOURS}",
    f"/history?{HOURS}",
    *("/markets", "/exchange/markets", "/settings", "/healthz", "/readyz"),
    *("/layouts", "/study-templates"),
    *("/api/v3/ping", "/api/v3/time", "/api/v3/exchangeInfo", "/api/v3/ticker/price"),
    *(f"/api/v3/klines?{HOURS}", "/api/v3/aggTrades?symbol=BTCUSDT"),
    *("/api/v3/ticker/price?symbol=BTCUSDT", "/api/v3/ticker/24hr"),
    *("/udf/config", "/udf/symbols?symbol=BTCUSDT", "/udf/search?query=BTC"),
    "/udf/history?symbol=BTCUSDT&resolution=60&to=1704141000",
    "/udf/history?symbol=BTCUSDT&resolution=60&to=1000000000",
    "/udf/marks?symbol=BTCUSDT&resolution=60&to=1704141000",
    *("/data?symbol=BTCUSDT", "/markets?x=1", "/udf/symbols", "/api/v3/klines"),
)


def test_answers_good_and_bad_are_what_the_description_says(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    store_live(redis, FORMING_MS)
    row = [opens[0], "1", "2", "1", "2", "5", opens[0] + HOUR_MS - 1, "1", 1, "1", "1", "0"]
    official.upsert_klines(redis, HOURLY, [row], now_ms=FORMING_MS, settle_ms=3000)
    described = said(ann.get("/openapi.json"))
    for path in GOOD:
        answer = ann.get(path)
        expected = described["paths"][path.partition("?")[0]]["get"]["responses"]
        content = expected[str(answer.status_code)]["content"][answer.mimetype]
        schema = {**content["schema"], "components": described["components"]}
        assert [
            f"{path}: {error.json_path} {error.message[:200]}"
            for error in Draft202012Validator(schema).iter_errors(answer.get_json())
        ] == []


def test_the_page_shows_every_path_and_needs_no_script(browser: Browser) -> None:
    answer = browser.get("/docs")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "style=" not in answer.text and "<style" not in answer.text
    for name in OPERATIONS:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", name.split()[1])
        assert f"<code>{path}</code>" in answer.text
    assert "<td>1 to 5000; else 500 or all</td>" in answer.text
    assert "<code>all</code>" in answer.text and "`" not in answer.text

"""`/openapi.json` and `/docs` describe what is there: every route, by what checks its requests.

Never here: what a path answers to good requests.
Invariant: the description and the application have the same routes and parameters.
"""

from __future__ import annotations

import re

from flask import Flask

from tests.support.web_app import Browser, said
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

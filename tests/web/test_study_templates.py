"""`/study-templates`: each user's own, named, checked field by field, saved by version."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.web_app import Browser, said

STUDY: dict[str, Any] = {
    "id": "s1",
    "kind": "supertrend",
    "inputs": {"period": 10, "factor": 3.25},
    "style": {"color": "series-2", "width": 2},
}
OTHER: dict[str, Any] = {"id": "s2", "kind": "obv"}


def put(browser: Browser, studies: object, version: int = 0) -> TestResponse:
    body = {"studies": studies, "version": version}
    headers = {"X-CSRFToken": browser.csrf()}
    return browser.client.put("/study-templates/My%20one", json=body, headers=headers)


def test_a_template_is_made_listed_replaced_and_taken_away(ann: Browser) -> None:
    row = {"name": "My one", "studies": [STUDY], "version": 1}
    assert said(put(ann, [STUDY])) == row
    assert said(ann.get("/study-templates")) == {"templates": [row]}
    stale = put(ann, [STUDY, OTHER])
    assert (stale.status_code, said(stale)["code"]) == (409, "conflict")
    assert said(stale)["current"] == {"studies": [STUDY], "version": 1}
    assert said(put(ann, [STUDY, OTHER], 1))["version"] == 2
    headers = {"X-CSRFToken": ann.csrf()}
    assert ann.client.delete("/study-templates/My%20one", headers=headers).status_code == 204
    again = ann.client.delete("/study-templates/My%20one", headers=headers)
    assert (again.status_code, said(again)["code"]) == (404, "unknown-template")
    assert said(ann.get("/study-templates")) == {"templates": []}


@pytest.mark.parametrize(
    ("studies", "named"),
    [
        ([], ("studies", "none of them", "at least one")),
        ([STUDY] * 21, ("studies", "21 of them", "at most 20")),
        ([{"id": "a"}], ("kind is missing",)),
        ([{**STUDY, "inputs": {"factor": 1e9}}], ("factor", "0.1 to 20")),
        ([{**STUDY, "inputs": {"period": "<b>"}}], ("period", "'<b>'", "whole")),
    ],
)
def test_a_wrong_study_is_named_with_what_it_may_be(
    ann: Browser, studies: object, named: tuple[str, ...]
) -> None:
    answer = put(ann, studies)
    assert (answer.status_code, said(answer)["code"]) == (400, "parameter")
    assert [word for word in named if word not in said(answer)["detail"]] == []
    assert said(ann.get("/study-templates")) == {"templates": []}

"""What lies over the chart, in a real Chromium: sentences and empty places, each with a next step.

Never here: the words (`freshness.test.mjs`), the chart.
Invariant: the page's own style sheets are used, and its own component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser_code import ORIGIN, PAGE, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

SHEETS = "".join(
    f'<link rel="stylesheet" href="/static/src/css/{name}.css">'
    for name in ("tokens", "base", "chart", "skeleton", "everyone")
)
AWAY = {"link": {"kind": "away", "sinceMs": 1, "retryInMs": 4_000}, "isLive": False}
FAILED = {"kind": "failed", "status": 503, "detail": "The store is away.", "retryInMs": 4_000}
REFUSED = {"kind": "failed", "status": 401, "detail": "Sign in.", "retryInMs": None}
PLOT = "(({top, left, width, height}) => [top, left, width, height])"
BOX = f"{PLOT}(document.getElementById('plot').getBoundingClientRect())"


@pytest.fixture
def stage(page: Page) -> Page:
    """A page with nothing but the stage."""

    def serve_stage(route: Route) -> None:
        if route.request.url == f"{ORIGIN}/":
            body = f"<!doctype html>{SHEETS}<body class='page'><div id='app' class='app'></div>"
            route.fulfill(body=body, content_type="text/html")
        else:
            serve(route)

    page.route("**/*", serve_stage)
    page.goto(f"{ORIGIN}/")
    page.evaluate(
        f"""async () => {{
          const {{newStage}} = await {PAGE};
          globalThis.stage = newStage(document.getElementById('app'));
        }}"""
    )
    return page


def show(stage: Page, view: dict[str, Any], message: str = "") -> None:
    stage.evaluate("([view, message]) => stage.show(view, message)", [view, message])


def test_a_sentence_lies_over_the_chart_and_moves_nothing(stage: Page) -> None:
    show(stage, {})
    before = stage.evaluate(BOX)
    assert stage.locator("#notice").is_hidden()
    show(stage, AWAY)
    assert stage.locator("#notice").is_visible() and stage.evaluate(BOX) == before
    stage.click("#notice-retry")
    assert stage.evaluate("stage.pressed") == ["retry"]


def test_who_is_signed_out_is_led_to_sign_in_and_back(stage: Page) -> None:
    show(stage, {"load": REFUSED, "isLive": False})
    link = stage.locator("#notice a")
    assert (link.inner_text(), link.get_attribute("href")) == ("Sign in", "/login?next=%2F")


def test_a_message_goes_when_it_is_closed(stage: Page) -> None:
    show(stage, {}, "In that link, DOGEUSDT is not followed here.")
    assert stage.locator("#notice-text").inner_text().startswith("In that link")
    stage.click("#notice button")
    assert stage.locator("#notice").is_hidden()


@pytest.mark.parametrize(
    ("load", "label"),
    [(FAILED, "Try again now"), ({"kind": "ready", "status": None}, "Look again now")],
)
def test_an_empty_chart_has_a_next_step(stage: Page, load: dict[str, Any], label: str) -> None:
    show(stage, {"bars": 0, "load": load})
    button = stage.locator("#empty button")
    assert button.inner_text() == label
    button.click()
    assert stage.evaluate("stage.pressed") == ["retry"]


def test_what_stands_in_for_candles_is_hidden_from_readers_and_gone_with_the_first(
    stage: Page,
) -> None:
    show(stage, {"bars": 0, "load": {"kind": "loading"}})
    assert stage.locator("#skeleton[aria-hidden=true]").is_visible()
    show(stage, {})
    assert stage.locator("#skeleton").count() == 0

"""The pill in a real Chromium: told by its shape, its sentence at hand, read out once.

Never here: its words (`freshness.test.mjs`), when they change.
Invariant: the page's own style sheets are used, and its own markup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.js.test_chart import ORIGIN, ROOT, _serve

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

TONES = ("live", "quiet", "busy", "warn", "down")
MARKUP = re.search(
    r'<span class="pill-place">.*?</button>.*?</span>\s*</span>',
    (ROOT / "templates" / "chart.html").read_text(),
    re.S,
)
SHEETS = "".join(
    f'<link rel="stylesheet" href="/static/css/{name}.css">' for name in ("tokens", "base", "chart")
)
#: What a pill looks like without its colours.
SHAPE = """() => {
  const {borderRadius, clipPath, borderTopStyle, backgroundColor, borderRightColor} =
    getComputedStyle(document.querySelector('.pill-shape'));
  const clear = 'rgba(0, 0, 0, 0)';
  return [borderRadius, clipPath, borderTopStyle, backgroundColor === clear,
    borderRightColor === clear].join(' ');
}"""


@pytest.fixture
def pill(page: Page) -> Page:
    """A page with nothing but the pill; `heard` is what was read out."""
    assert MARKUP

    def serve(route: Route) -> None:
        if route.request.url == f"{ORIGIN}/":
            body = f"<!doctype html>{SHEETS}<body><div class='aside'>{MARKUP[0]}</div><p>below</p>"
            route.fulfill(body=body, content_type="text/html")
        else:
            _serve(route)

    page.route("**/*", serve)
    page.goto(f"{ORIGIN}/")
    page.evaluate(
        """async () => {
          const {Pill} = await import('/static/js/pill.js');
          globalThis.heard = [];
          globalThis.pill = new Pill(document, (text) => heard.push(text));
        }"""
    )
    return page


def show(pill: Page, tone: str, now_ms: int = 0, text: str = "") -> None:
    said = {"tone": tone, "text": text or tone, "more": "", "detail": f"It is {text or tone}."}
    pill.evaluate("([said, nowMs]) => globalThis.pill.show(said, nowMs)", [said, now_ms])


def heard(pill: Page) -> Any:
    return pill.evaluate("heard")


def test_every_tone_has_a_shape_of_its_own(pill: Page) -> None:
    shapes = set()
    for tone in TONES:
        show(pill, tone)
        shapes.add(pill.evaluate(SHAPE))
    assert len(shapes) == len(TONES)


def test_the_sentence_shows_by_pointer_and_keyboard_and_goes_when_told(pill: Page) -> None:
    show(pill, "warn")
    tip = pill.locator("#pill-tip")
    assert (tip.text_content(), tip.is_visible()) == ("It is warn.", False)
    pill.hover("#pill")
    assert tip.is_visible()
    pill.mouse.move(600, 400)
    assert not tip.is_visible()
    pill.keyboard.press("Tab")
    assert tip.is_visible()
    pill.keyboard.press("Escape")
    assert not tip.is_visible()
    pill.click("#pill")
    assert tip.is_visible()
    pill.mouse.move(600, 400)
    pill.mouse.click(600, 400)
    assert not tip.is_visible()


def test_trouble_that_lasts_is_read_out_once_and_so_is_its_end(pill: Page) -> None:
    for second in range(20):
        show(pill, "live" if second % 2 else "quiet", second * 1_000)
    show(pill, "warn", 20_000)
    show(pill, "live", 21_900)
    assert heard(pill) == []
    for second in range(30, 40):
        show(pill, "down", second * 1_000, "away")
    assert heard(pill) == ["It is away."]
    show(pill, "busy", 41_000)
    show(pill, "quiet", 42_000)
    show(pill, "live", 43_000)
    assert heard(pill) == ["It is away.", "quiet. It is quiet."]

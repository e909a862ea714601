"""The status badge in a real Chromium: told by its shape, its sentence at hand, read out once.

Never here: its words (`freshness.test.mjs`), when they change.
Invariant: the page's own style sheets are used, and its own component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser_code import ORIGIN, PAGE, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

TONES = ("live", "quiet", "busy", "warn", "down")
SHEETS = "".join(
    f'<link rel="stylesheet" href="/static/src/css/{name}.css">'
    for name in ("tokens", "base", "chart")
)
#: What a badge looks like without its colours.
SHAPE = """() => {
  const {borderRadius, clipPath, borderTopStyle, backgroundColor, borderRightColor} =
    getComputedStyle(document.querySelector('.pill-shape'));
  const clear = 'rgba(0, 0, 0, 0)';
  return [borderRadius, clipPath, borderTopStyle, backgroundColor === clear,
    borderRightColor === clear].join(' ');
}"""


@pytest.fixture
def badge(page: Page) -> Page:
    """A page with nothing but the badge; `heard` is what was read out."""

    def serve_badge(route: Route) -> None:
        if route.request.url == f"{ORIGIN}/":
            body = f"<!doctype html>{SHEETS}<body><div class='aside'></div><p>below</p>"
            route.fulfill(body=body, content_type="text/html")
        else:
            serve(route)

    page.route("**/*", serve_badge)
    page.goto(f"{ORIGIN}/")
    page.evaluate(
        f"""async () => {{
          const {{newBadge}} = await {PAGE};
          globalThis.badge = newBadge(document.querySelector('.aside'));
        }}"""
    )
    return page


def show(badge: Page, tone: str, now_ms: int = 0, text: str = "") -> None:
    said = {"tone": tone, "text": text or tone, "more": "", "detail": f"It is {text or tone}."}
    shown = """async ([said, nowMs]) => {
      badge.show(said, nowMs);
      await new Promise(requestAnimationFrame);
    }"""
    badge.evaluate(shown, [said, now_ms])


def heard(badge: Page) -> Any:
    return badge.evaluate("badge.heard")


def test_every_tone_has_a_shape_of_its_own(badge: Page) -> None:
    shapes = set()
    for tone in TONES:
        show(badge, tone)
        shapes.add(badge.evaluate(SHAPE))
    assert len(shapes) == len(TONES)


def test_the_sentence_shows_by_pointer_and_keyboard_and_goes_when_told(badge: Page) -> None:
    show(badge, "warn")
    tip = badge.locator("#pill-tip")
    assert (tip.text_content(), tip.is_visible()) == ("It is warn.", False)
    badge.hover("#pill")
    assert tip.is_visible()
    badge.mouse.move(600, 400)
    assert not tip.is_visible()
    badge.keyboard.press("Tab")
    assert tip.is_visible()
    badge.keyboard.press("Escape")
    assert not tip.is_visible()
    badge.click("#pill")
    assert tip.is_visible()
    badge.mouse.move(600, 400)
    badge.mouse.click(600, 400)
    assert not tip.is_visible()


def test_trouble_that_lasts_is_read_out_once_and_so_is_its_end(badge: Page) -> None:
    for second in range(20):
        show(badge, "live" if second % 2 else "quiet", second * 1_000)
    show(badge, "warn", 20_000)
    show(badge, "live", 21_900)
    assert heard(badge) == []
    for second in range(30, 40):
        show(badge, "down", second * 1_000, "away")
    assert heard(badge) == ["It is away."]
    show(badge, "busy", 41_000)
    show(badge, "quiet", 42_000)
    show(badge, "live", 43_000)
    assert heard(badge) == ["It is away.", "quiet. It is quiet."]

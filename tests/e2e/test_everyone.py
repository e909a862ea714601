"""The chart for everyone: by keys, by finger, magnified, in colours of one's own, read aloud."""

from __future__ import annotations

import io
import json
import struct
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.axe import violations
from tests.support.chart_page import PHONE, opened
from tests.support.page_pictures import picture
from tests.support.pixels import pixels
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE_ASIDE = {**PHONE, "viewport": {"width": 844, "height": 390}}
TABLET = {**PHONE, "viewport": {"width": 1024, "height": 768}}
#: 1280 × 1024 at 400 %.
MAGNIFIED = {"width": 320, "height": 256}
#: What each key on the chart is answered with.
HEARD = {
    "ArrowLeft": "Time ",
    "Home": "First candle. Time ",
    "+": "Zoomed in. ",
    "-": "Zoomed out. ",
    "Escape": "No candle chosen. ",
    "End": "At the newest candle. ",
}
#: How wide and high each control is to a finger or pointer: as far as a press still means it.
TARGETS = """() => {
  const names = 'a[href], button, input, [role=button]';
  const shown = [...document.querySelectorAll(names)].filter((one) => one.checkVisibility()
    && !one.closest('.skip, [popover], dialog, .status .credit'));
  const reach = (one, x, y, dx, dy) => {
    let steps = 0;
    const hits = () => one.contains(document.elementFromPoint(x + dx * steps, y + dy * steps));
    while (steps < 60 && hits()) steps += 1;
    return steps;
  };
  return shown.map((one) => {
    one.scrollIntoView({block: 'center', inline: 'nearest'});
    const {left, top, width, height} = one.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const across = reach(one, x, y, -1, 0) + reach(one, x, y, 1, 0) - 1;
    const down = reach(one, x, y, 0, -1) + reach(one, x, y, 0, 1) - 1;
    return [one.id || one.className || one.textContent, across, down];
  });
}"""


LOOKS: dict[str, dict[str, Any]] = {
    "dark": {"color_scheme": "dark"},
    "light": {"color_scheme": "light"},
    "phone": PHONE,
    "phone on its side": PHONE_ASIDE,
    "magnified": {"viewport": MAGNIFIED},
    "forced colours": {"forced_colors": "active"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_wrong_with_the_chart(chart: Page, look: str) -> None:
    with opened(chart, **LOOKS[look]) as page:
        assert violations(page) == []
        picture(page, look.replace(" ", "-"))


#: What opens, and what is there once it has come whole.
OPENERS = (
    ("#market", "[role=option]"),
    ("#table-open", "#table tbody tr"),
    ("#truth", "#truth-panel .panel-part"),
)


@pytest.mark.parametrize(("opener", "content"), OPENERS)
def test_axe_finds_nothing_wrong_with_what_opens(chart: Page, opener: str, content: str) -> None:
    for scheme in ("dark", "light"):
        with opened(chart, color_scheme=scheme) as page:
            if page.get_attribute(opener, "aria-expanded") != "true":  # a panel stays open
                page.click(opener)
            page.locator(content).first.wait_for()
            assert violations(page) == []


@pytest.mark.parametrize("path", ["/login", "/nothing"])
def test_axe_finds_nothing_wrong_with_the_pages_around(
    path: str, system: System, chromium: Browser
) -> None:
    for scheme in ("dark", "light"):
        context = chromium.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{system.url}{path}")
        assert violations(page) == []
        context.close()


def test_the_ring_around_the_focused_chart_is_seen_on_all_four_sides(chart: Page) -> None:
    with opened(chart, color_scheme="dark") as page:
        page.focus("#plot")
        page.keyboard.press("Escape")
        box = page.locator("#plot").bounding_box()
        assert box is not None
        edges = pixels(page, box)
        accent = (0x6E, 0xA8, 0xFE)
        for side in ("top", "right", "bottom", "left"):
            assert {color for color in edges[side]} == {accent}, side
        page.evaluate("document.activeElement.blur()")
        assert accent not in {color for side in pixels(page, box).values() for color in side}


def test_every_key_that_does_something_is_heard_and_home_shows_the_first_candle_whole(
    chart: Page,
) -> None:
    with opened(chart) as page:
        page.focus("#plot")
        for key, words in HEARD.items():
            page.keyboard.press(key)
            begins = f"document.getElementById('announcer').textContent.startsWith('{words}')"
            wait_for(partial(page.evaluate, begins), what=f"words to {key}")
        first = page.evaluate("truecandle.bars()[0].time")  # older ones may come meanwhile
        page.keyboard.press("Home")
        wait_for(lambda: page.evaluate("truecandle.sight().fromMs") <= first, what="the first bar")


def test_the_last_candles_are_read_as_a_table_by_keys_alone(chart: Page) -> None:
    with opened(chart) as page:
        page.focus("#plot")
        wait_for(lambda: tabbed_to(page, "table-open"), what="the table's button by Tab")
        page.keyboard.press("Enter")
        rows = page.locator("#table tbody tr")
        wait_for(lambda: rows.count() == 30, what="the table, which is loaded when it is wanted")
        caption = page.locator("#table caption").inner_text()
        assert caption.startswith("The last 30 candles as they were at ")
        assert rows.first.locator("td").last.inner_text() in (
            "forming", "closed, waiting for the official candle", "official",
        )  # fmt: skip
        last = rows.last.locator("td").all_inner_texts()
        bar = page.evaluate("truecandle.bars().at(-30)")
        assert last[-1] == "official" and float(last[0].replace(",", "")) in (bar["open"],)
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == "table-open"
        assert page.locator("#table").is_hidden()


@pytest.mark.parametrize("device", [PHONE, PHONE_ASIDE, TABLET])
def test_a_finger_finds_44_px_however_wide_the_window(chart: Page, device: Any) -> None:
    with opened(chart, **device) as page:
        small = [one for one in page.evaluate(TARGETS) if min(one[1:]) < 44]
        assert small == []


@pytest.mark.parametrize("window", [MAGNIFIED, {"width": 640, "height": 480}, None])
def test_a_pointer_finds_24_px(chart: Page, window: Any) -> None:
    with opened(chart, viewport=window or {"width": 1280, "height": 800}) as page:
        small = [one for one in page.evaluate(TARGETS) if min(one[1:]) < 24]
        assert small == []


def test_magnified_four_times_the_page_scrolls_and_the_chart_stays_a_chart(chart: Page) -> None:
    with opened(chart, viewport=MAGNIFIED) as page:
        found = page.evaluate("""() => {
          const box = (name) => document.querySelector(name).getBoundingClientRect();
          const word = document.querySelector('#pill-text');
          return {plot: box('#plot').height, top: box('#plot').top, legend: box('#legend').bottom,
            wide: document.documentElement.scrollWidth, high: document.body.scrollHeight,
            word: word.textContent, cut: word.scrollWidth - word.clientWidth,
            pill: box('#pill').right};
        }""")
        assert found["plot"] >= 200 and found["legend"] <= found["top"] + 0.5
        assert found["high"] > MAGNIFIED["height"] and found["wide"] <= MAGNIFIED["width"]
        assert found["word"] and found["cut"] <= 1 and found["pill"] <= MAGNIFIED["width"]
        page.locator(".status").scroll_into_view_if_needed()
        assert page.locator("#status-official").is_visible()


def test_in_the_readers_own_colours_nothing_lives_by_colour_alone(chart: Page) -> None:
    with opened(chart, forced_colors="active") as page:
        found = page.evaluate("""() => {
          const of = (name) => getComputedStyle(document.querySelector(name));
          return [of('.pill-shape').backgroundColor, of('.pill').backgroundColor,
            of('.intervals [aria-current]').outlineStyle,
            of('.intervals a:not([aria-current])').outlineStyle];
        }""")
        assert found[0] != found[1] and found[2:] == ["solid", "none"]


def test_nothing_moves_for_who_wants_it_still(chart: Page) -> None:
    with opened(chart, reduced_motion="reduce") as page:
        page.route("**/data?*", lambda route: None)
        page.goto(page.url.replace("BTCUSDT", "ETHUSDT"))
        wait_for(lambda: page.locator("#skeleton").is_visible(), what="a skeleton")
        assert page.evaluate("document.getAnimations().length") == 0
        page.unroute_all(behavior="ignoreErrors")


def test_on_paper_the_chart_is_light_and_the_page_is_as_before_afterwards(chart: Page) -> None:
    with opened(chart, color_scheme="dark") as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        corner = """() => {
          const picture = document.querySelector('.print-chart');
          return [...picture.getContext('2d').getImageData(2, 2, 1, 1).data];
        }"""
        assert page.evaluate(corner) == [255, 255, 255, 255]
        page.emulate_media(media="print")
        assert page.locator(".print-chart").is_visible() and page.locator("#plot").is_hidden()
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator(".print-chart").count() == 0
        assert page.evaluate("document.documentElement.dataset.theme") is None


def test_a_phones_home_screen_and_bar_find_icons_and_colours(chart: Page, system: System) -> None:
    link = 'document.querySelector("link[rel={}]").href'
    manifest = requests.get(chart.evaluate(link.format("manifest")), timeout=5)
    assert manifest.headers["Content-Type"].startswith("application/manifest+json")
    described = json.loads(manifest.content)
    assert (described["start_url"], described["display"]) == ("../", "standalone")
    icons = [(f"{system.url}/static/{one['src']}", one["sizes"]) for one in described["icons"]]
    icons.append((chart.evaluate(link.format("apple-touch-icon")), "180x180"))
    for url, sizes in icons:
        png = io.BytesIO(requests.get(url, timeout=5).content)
        assert png.read(8) == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">8xII", png.read(16))
        assert f"{width}x{height}" == sizes
    with opened(chart, color_scheme="dark") as page:
        told = "[...document.querySelectorAll('meta[name=theme-color]')].map((one) => one.content)"
        dark, light = page.evaluate(told)
        surface = "getComputedStyle(document.documentElement).getPropertyValue('--surface').trim()"
        assert page.evaluate(surface) == dark
        page.click("#theme")
        assert page.evaluate(surface) == light and page.evaluate(told) == [light, light]
        page.reload()
        assert page.evaluate(told) == [light, light]


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []


def tabbed_to(page: Page, name: str) -> bool:
    page.keyboard.press("Tab")
    return bool(page.evaluate("document.activeElement.id") == name)

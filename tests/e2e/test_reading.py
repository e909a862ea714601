"""How the chart is read: zone, type, scale, colours, keys, and what is taken out of the page."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.chart_page import forget_choices, go, wait_for_bars
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

TYPES = ("Hollow candles", "Bars", "Line", "Area", "Heikin Ashi", "Candles")
FINALS = "truecandle.bars().filter((bar) => bar.state === 'final')"

#: Whether what the chart holds are the candles that the page holds.
IS_ALL_DRAWN = """(() => {
  const {history, tail} = truecandle.drawn();
  const drawn = [...history, ...tail].map((bar) => bar.time).sort((a, b) => a - b);
  return drawn.join() === truecandle.bars().map((bar) => bar.time).join();
})()"""


@pytest.fixture
def reader(chart: Page) -> Iterator[Page]:
    """The chart of a reader who has chosen nothing yet, at BTCUSDT 1m."""
    forget_choices(chart)
    go(chart, "BTCUSDT", "1m")
    yield chart
    forget_choices(chart)


def says(page: Page, element: str, words: str) -> None:
    """Waits until an element's text matches."""
    wait_for(
        lambda: re.search(words, page.text_content(element) or ""), 10, f"{words} in {element}"
    )


def choose(page: Page, menu: str, label: str) -> None:
    page.click(menu)
    page.get_by_role("menuitemradio", name=label, exact=True).click()


def choose_zone(page: Page, typed: str) -> None:
    page.keyboard.press("Alt+z")
    page.locator("#zones-filter").fill(typed)
    page.keyboard.press("Enter")
    page.locator("#zones").wait_for(state="detached")


def test_another_zone_changes_words_and_no_candle(reader: Page) -> None:
    before = reader.evaluate(f"{FINALS}.slice(-50)")
    says(reader, "#status-clock", r"\d UTC$")
    choose_zone(reader, "tokyo")
    says(reader, "#status-clock", r"UTC\+9$")
    says(reader, "#zone", "Tokyo")
    newest_ms = reader.evaluate("truecandle.bars().at(-1).time")
    hour = (newest_ms // 3_600_000 + 9) % 24
    says(reader, "[data-cell=time]", rf"^{hour:02}:")
    assert (
        reader.evaluate(f"({FINALS}.filter((bar) => bar.time <= {before[-1]['time']}).slice(-50))")
        == before
    )
    reader.reload()
    wait_for_bars(reader)
    says(reader, "#status-clock", r"UTC\+9$")
    choose_zone(reader, "utc+5:45")
    says(reader, "#zone", "Kath?mandu")


def test_each_type_draws_the_candles_there_are_and_the_legend_tells_their_own_values(
    reader: Page,
) -> None:
    for label in TYPES:
        choose(reader, "#type", label)
        wait_for(lambda: reader.evaluate(IS_ALL_DRAWN), what="the same candles in another way")
        said = reader.locator("[data-cell=type]").count()
        assert said == (1 if label == "Heikin Ashi" else 0)
        opened = float((reader.text_content("[data-cell=open]") or "").replace(",", ""))
        assert opened in reader.evaluate("truecandle.bars().map((bar) => bar.open)")


def test_the_price_axis_is_logarithmic_in_percent_upside_down_or_held(reader: Page) -> None:
    label = "truecandle.drawn().lastPrice.text"
    choose(reader, "#scale", "Percent")
    wait_for(lambda: reader.evaluate(label).endswith("%"), what="percent at the last price")
    choose(reader, "#scale", "Logarithmic")
    says(reader, "#scale", "^Log$")
    wait_for(lambda: not reader.evaluate(label).endswith("%"), what="a price again")
    reader.keyboard.press("Alt+l")
    says(reader, "#scale", "^Auto$")
    box = reader.locator("#plot").bounding_box()
    assert box is not None
    reader.mouse.move(box["x"] + box["width"] - 20, box["y"] + 200)
    reader.mouse.down()
    reader.mouse.move(box["x"] + box["width"] - 20, box["y"] + 260, steps=4)
    reader.mouse.up()
    says(reader, "#scale", "^Fixed$")
    reader.keyboard.press("Alt+r")
    says(reader, "#scale", "^Auto$")
    reader.keyboard.press("Alt+i")
    reader.click("#scale")
    inverted = reader.get_by_role("menuitemcheckbox", name="Upside down")
    assert inverted.get_attribute("aria-checked") == "true"
    reader.keyboard.press("Escape")


def test_colours_are_those_that_were_chosen_from_the_first_paint_on(reader: Page) -> None:
    choose(reader, "#more", "Blue up, orange down")
    pair = {"#56B4E9", "#E69F00", "#0072B2", "#A85F00", "#9AA4B2", "#55606E"}
    wait_for(lambda: reader.evaluate("truecandle.drawn().lastPrice.color") in pair, what="the pair")
    choose(reader, "#theme", "Light")
    said = "[document.documentElement.dataset.theme, document.documentElement.dataset.colors]"
    assert reader.evaluate(said) == ["light", "blue-orange"]
    reader.reload(wait_until="commit")
    wait_for(lambda: reader.evaluate("document.readyState") != "loading", what="the document")
    assert reader.evaluate(said) == ["light", "blue-orange"]
    wait_for_bars(reader)
    choose(reader, "#theme", "As the system")
    wait_for(lambda: reader.evaluate(said) == [None, "blue-orange"], what="the system's theme")


def test_the_title_tells_the_price(reader: Page) -> None:
    told = r"^[\d,]+\.\d\d BTCUSDT 1m · TrueCandle$"
    wait_for(lambda: re.match(told, reader.title()), what="a price in the title")
    price = "truecandle.drawn().lastPrice.text"
    wait_for(
        lambda: reader.title().startswith(reader.evaluate(price)), what="the price of the line"
    )


def test_digits_choose_an_interval_and_a_letter_opens_the_search(reader: Page) -> None:
    reader.keyboard.type("1s")
    says(reader, "#typed", "interval 1s")
    reader.keyboard.press("Enter")
    reader.wait_for_url(re.compile("interval=1s"))
    wait_for_bars(reader, "bars.some((bar) => bar.time % 60000)")
    reader.keyboard.type("e")
    wait_for(lambda: reader.input_value("#markets-filter") == "E", what="the letter in the search")
    reader.keyboard.type("t1")
    assert reader.input_value("#markets-filter").upper() == "ET1"
    assert reader.locator("#typed").count() == 0
    reader.keyboard.press("Escape")


def test_shortcuts_are_listed_and_can_be_switched_off(reader: Page) -> None:
    reader.keyboard.press("?")
    reader.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    reader.get_by_label("Shortcuts anywhere on the page").uncheck()
    reader.keyboard.press("Escape")
    reader.locator("#shortcuts").wait_for(state="detached")
    reader.keyboard.type("1sb")
    reader.keyboard.press("Enter")
    assert reader.locator("#typed").count() == 0
    assert not reader.locator("#markets").is_visible()
    assert "interval=1m" in reader.url
    reader.click("#more")
    switch = reader.get_by_role("menuitemcheckbox", name="Shortcuts on")
    assert switch.get_attribute("aria-checked") == "false"
    switch.click()
    wait_for(lambda: switch.get_attribute("aria-checked") == "true", what="shortcuts again")
    reader.keyboard.press("Escape")


def test_a_menu_is_walked_by_keys_and_gives_the_focus_back(reader: Page) -> None:
    reader.focus("#type")
    reader.keyboard.press("Enter")
    focused = "document.activeElement.closest('[role=menu]') && document.activeElement.textContent"
    wait_for(lambda: reader.evaluate(focused) == "Candles", what="the chosen type focused")
    reader.keyboard.press("ArrowUp")
    wait_for(lambda: reader.evaluate(focused) == "Heikin Ashi", what="Heikin Ashi")
    reader.keyboard.press("l")
    wait_for(lambda: reader.evaluate(focused) == "Line", what="Line")
    reader.keyboard.press("Home")
    wait_for(lambda: reader.evaluate(focused) == "Candles", what="the first")
    reader.keyboard.press("ArrowDown")
    wait_for(lambda: reader.evaluate(focused) == "Hollow candles", what="the second")
    reader.keyboard.press("Escape")
    wait_for(lambda: reader.evaluate("document.activeElement.id") == "type", what="the button")
    assert reader.evaluate("JSON.parse(localStorage['truecandle.settings'] ?? '{}').type") in (
        None,
        "candles",
    )


def test_a_picture_is_a_png_of_the_whole_chart_and_says_what_it_shows(reader: Page) -> None:
    with reader.expect_download() as coming:
        reader.keyboard.press("Alt+s")
    assert re.fullmatch(r"BTCUSDT-1m-\d{8}T\d{6}Z\.png", coming.value.suggested_filename)
    content = coming.value.path().read_bytes()
    plot = "(({clientWidth, clientHeight}) => [clientWidth, clientHeight])"
    width, height = reader.evaluate(f"{plot}(document.querySelector('#plot'))")
    assert png_size(content) == (width, height + 48 + 24)
    says(reader, "#announcer", r"Picture saved as BTCUSDT")


def test_candles_in_sight_as_csv_equal_what_data_answers(reader: Page, system: System) -> None:
    with reader.expect_download() as coming:
        reader.keyboard.press("Alt+e")
    says(reader, "#announcer", r"candles saved as BTCUSDT-1m-.*csv\.$")
    header, *lines = coming.value.path().read_text().splitlines()
    assert header == "open_time,open,high,low,close,volume,state"
    official = [line.rsplit(",", 1)[0] for line in lines if line.endswith(",official")]
    assert len(official) > 50
    assert data_lines(system, official[0], official[-1]) == official
    drawn = reader.evaluate("truecandle.bars().map((bar) => bar.time)")
    times = [int(line.split(",")[0]) for line in lines]
    assert times == [at for at in drawn if times[0] <= at <= times[-1]]


def test_the_candle_pointed_at_is_copied_as_text(reader: Page) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.focus("#plot")
    for _ in range(4):
        reader.keyboard.press("ArrowLeft")
    says(reader, "[data-cell=state]", "official")
    closed = reader.text_content("[data-cell=close]")
    reader.keyboard.press("Alt+c")
    says(reader, "#announcer", "^Copied: BTCUSDT 1m")
    text = reader.evaluate("navigator.clipboard.readText()")
    assert re.match(r"BTCUSDT 1m \d+ \w+ \d{4} \d\d:\d\d UTC · O ", text)
    assert f" C {closed} " in text and text.endswith(" BTC, official")


def test_a_browser_that_forbids_storage_shows_the_chart_all_the_same(reader: Page) -> None:
    page = reader.context.new_page()
    page.add_init_script(
        "Object.defineProperty(globalThis, 'localStorage',"
        " {get() { throw new DOMException('no', 'SecurityError'); }});"
    )
    page.goto(reader.url)
    wait_for_bars(page)
    choose(page, "#type", "Line")
    choose(page, "#theme", "Light")
    wait_for(
        lambda: page.evaluate("document.documentElement.dataset.theme") == "light", what="light"
    )
    page.close()


def test_the_servers_choices_go_first_and_are_saved_whole(reader: Page) -> None:
    """Where the page is told of settings with its HTML, they count, and a choice is sent back with
    all others; this browser keeps none but what the first paint needs.
    """
    page = reader.context.new_page()
    saved: list[Any] = []

    def serve_page(route: Route) -> None:
        answer = route.fetch()
        config_json = '(?<=id="config">)(.*?)(?=</script>)'
        before, told, after = re.split(config_json, answer.text(), maxsplit=1)
        config = json.loads(told) | {"settings": {"type": "line", "scale": "log"}}
        route.fulfill(response=answer, body=before + json.dumps(config) + after)

    def save(route: Route) -> None:
        saved.append((route.request.method, route.request.post_data_json))
        route.fulfill(json={"settings": {}, "version": 1})

    page.route(re.compile(r"/\?symbol="), serve_page)
    page.route("**/settings", save)
    page.goto(reader.url)
    wait_for_bars(page)
    says(page, "#scale", "^Log$")
    says(page, "#type", "Line")
    choose(page, "#type", "Area")
    wait_for(
        lambda: page.title() and saved and saved[-1][1]["settings"]["type"] == "area",
        what="settings that are saved",
    )
    (method, sent), settings = saved[-1], saved[-1][1]["settings"]
    assert (method, list(sent)) == ("PUT", ["settings"])
    assert (settings["type"], settings["scale"], settings["zone"]) == ("area", "log", "UTC")
    assert page.evaluate("localStorage.getItem('truecandle.settings')") is None
    page.close()


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG, all of whose pixels are there."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels = 8, b""
    width, height = struct.unpack(">II", content[16:24])
    depth, kind = content[24], content[25]
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        name, chunk = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert zlib.crc32(name + chunk) == struct.unpack(">I", content[at + 8 + length :][:4])[0]
        pixels += chunk if name == b"IDAT" else b""
        at += 12 + length
    channels = {2: 3, 6: 4}[kind]
    assert len(zlib.decompress(pixels)) == height * (1 + width * channels * depth // 8)
    return width, height


def data_lines(system: System, first: str, last: str) -> list[str]:
    """`/data` of those candles, cut into lines of text without reading a number."""
    names = ("time", "open", "high", "low", "close", "volume")
    asked: dict[str, Any] = {"symbol": "BTCUSDT", "interval": "1m", "time": "ms", "limit": 5000}
    asked |= {"start": first.split(",")[0], "end": str(int(last.split(",")[0]) + 1)}
    credential = {"Authorization": f"Bearer {system.token()}"}
    text = requests.get(f"{system.url}/data", params=asked, headers=credential, timeout=10).text
    answer = json.loads(text, parse_float=str, parse_int=str)
    return [",".join(row) for row in zip(*(answer[name] for name in names), strict=True)]

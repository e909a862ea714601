"""The truth on the chart, the whole way: what the exchange corrects, where it stands still, how the
chart had shown it, the panel that tells of it, and links to single candles.

Never here: how it is drawn to the pixel (`tests/js/test_truth_layer.py`), the words one by one.
Invariant: the simulated exchange makes every state; the page is looked at as a reader does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.chart_page import go, wait_for_bars
from tests.support.page_pictures import picture
from tests.support.waiting import wait_for
from tests.support.whole_system import System, ask, is_proven

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ElementHandle, Page

MINUTE_MS = 60_000
CANDLES = 6


@pytest.fixture(scope="module")
def chart(system: System, chromium: Browser, problems: list[str]) -> Iterator[Page]:
    """The chart page, signed in, in a browser that lets it copy."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800},
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(system.sign_in_link())
    page.wait_for_url(f"{system.url}/", timeout=20_000)
    go(page, "BTCUSDT", "1s")
    yield page
    context.close()


@pytest.fixture(scope="module")
def corrected(chart: Page, system: System) -> dict[str, Any]:
    """A correction of a candle that the open chart shows: what `/corrections` tells of it."""
    wait_for_bars(chart, "bars.filter((bar) => bar.state === 'final').length > 60")
    # The newest: the fetcher reads it again for longest, however busy the machine is.
    bar = chart.evaluate("truecandle.bars().filter((bar) => bar.state === 'final').at(-1)")
    changes = {"high": str(int(bar["high"]) + 9), "volume": "77.5"}
    system.script(
        "correction", symbol="BTCUSDT", interval="1s", open_ms=bar["time"], changes=changes
    )
    wait_for(lambda: marked(chart, bar["time"]), 30, "a tick under the corrected candle")
    one = ask(system, "/corrections", start=str(bar["time"]), end=str(bar["time"] + 1))
    (found,) = one["corrections"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def hole(chart: Page, system: System) -> range:
    """The open times of a maintenance that begins and ends while the chart is open."""
    start_ms = int(time.time()) * 1000 + 3_000
    found = range(start_ms, start_ms + CANDLES * 1000, 1000)
    system.script("gap", symbol="BTCUSDT", from_ms=found.start, until_ms=found.stop)
    wait_for(lambda: is_proven(system, found), 40, "a gap that is proven")
    return found


def test_a_correction_is_marked_on_the_open_chart_and_shows_both_versions(
    chart: Page, corrected: dict[str, Any]
) -> None:
    note = wait_for(lambda: note_at(chart, corrected["time"]), what="both versions")
    assert note
    was, now = note["rows"]
    assert (was["open"], was["close"]) == (now["open"], now["close"])
    assert number(now["high"]) == corrected["new"]["high"]
    assert number(was["high"]) == corrected["old"]["high"] != corrected["new"]["high"]
    assert set(note["differing"]) == {"high", "volume"}
    assert note["words"].startswith("Corrected by the exchange, noticed ")
    assert note["words"].endswith("when the next candles were fetched")
    assert note["state"] == "official, corrected"
    picture(chart, "correction")


def test_keys_read_the_correction_aloud(chart: Page, corrected: dict[str, Any]) -> None:
    go(chart, "BTCUSDT", "1s")
    wait_for(lambda: marked(chart, corrected["time"]), what="the mark after a reload")
    chart.focus("#plot")

    def stepped() -> bool:
        chart.keyboard.press("ArrowLeft")
        return bool(pointed(chart) == corrected["time"])

    wait_for(stepped, what="the corrected candle by keys")
    said = f"high was {plain(corrected['old']['high'])}, is {plain(corrected['new']['high'])}"
    wait_for(lambda: said in chart.inner_text("#announcer"), what=said)


def test_a_gap_is_a_band_and_the_legend_inside_says_why(chart: Page, hole: range) -> None:
    band = wait_for(lambda: band_of(chart, hole), 20, "a band with a reason")
    assert band
    assert band["right"] - band["left"] == pytest.approx(CANDLES * 10, abs=1)
    point(chart, (band["left"] + band["right"]) / 2, 300)
    words = shown(chart, "#legend[data-state=gap] [data-cell=state]").inner_text()
    assert words.startswith(f"no candle: exchange maintenance, {CANDLES} s (")
    picture(chart, "gap")
    assert chart.query_selector("#legend [data-cell=close]") is None


def test_the_panel_tells_how_exact_the_chart_was_and_leads_to_candles(
    chart: Page, system: System, corrected: dict[str, Any], hole: range
) -> None:
    chart.click("#truth")
    assert chart.get_attribute("#truth", "aria-expanded") == "true"
    share = shown(chart, "#truth-share").inner_text()
    assert share.endswith(" %")
    assert "Known since" in chart.inner_text("#truth-since")
    for open_ms, text in ((corrected["time"], "high"), (hole.start, "exchange maintenance")):
        assert text in chart.inner_text(f"[data-at='{open_ms}'] .entry-what")
    picture(chart, "truth")
    chart.click(f"[data-at='{corrected['time']}'] .entry-go")
    wait_for(lambda: pointed(chart) == corrected["time"], what="the corrected candle")
    assert query(chart)["at"] == [str(corrected["time"])]
    chart.click(f"[data-at='{hole.start}'] .entry-go")
    wait_for_notice(chart, "exchange maintenance")
    chart.keyboard.press("Escape")
    assert chart.query_selector("#truth-panel") is None
    assert chart.evaluate("document.activeElement.id") == "truth"


def test_the_panel_asks_little_while_candles_keep_coming(chart: Page) -> None:
    asked: list[str] = []
    chart.on("request", lambda request: asked.append(urlsplit(request.url).path))
    last = chart.evaluate("truecandle.bars().at(-1).time")
    wait_for_bars(chart, f"bars.at(-1).time >= {last} + 5000")
    assert not {"/audit", "/corrections", "/gaps"} & set(asked)
    chart.click("#truth")
    shown(chart, "#truth-share")
    wait_for_bars(chart, f"bars.at(-1).time >= {last} + 17000")
    assert 1 <= asked.count("/audit") <= 3
    assert asked.count("/audit") == asked.count("/gaps")


def test_as_shown_live_is_drawn_beside_what_is_official(chart: Page, system: System) -> None:
    """The exchange changes a candle after its close, before it is fetched: it was shown wrong."""
    go(chart, "BTCUSDT", "1s")
    newest = chart.evaluate("truecandle.bars().at(-1)")
    open_ms, high = newest["time"] + 3_000, int(newest["close"]) + 200
    system.script(
        "correction", symbol="BTCUSDT", interval="1s", open_ms=open_ms, at_ms=open_ms + 1_300,
        changes={"high": str(high)},
    )  # fmt: skip
    wait_for_bars(chart, f"bars.find((bar) => bar.time === {open_ms})?.high === {high}")
    if chart.query_selector("#truth-panel") is None:
        chart.click("#truth")
    chart.click("#as-shown-switch")
    assert chart.get_attribute("#as-shown-switch", "aria-checked") == "true"
    chart.evaluate(f"history.replaceState(null, '', '/?symbol=BTCUSDT&interval=1s&at={open_ms}')")
    chart.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    rows = shown(chart, "#as-shown table").query_selector_all("tbody tr")
    live, official = (versions(row) for row in rows)
    assert number(official["high"]) == high and number(live["high"]) < high
    assert "Shown live with another high" in chart.inner_text("#as-shown")
    picture(chart, "as-shown")
    chart.click("#truth")
    chart.click("text=Show official only")
    assert chart.query_selector("#as-shown") is None


def test_a_link_to_a_candle_opens_with_it_in_view_and_can_be_copied(
    chart: Page, system: System
) -> None:
    go(chart, "BTCUSDT", "1m")
    first = chart.evaluate("truecandle.bars()[0].time")
    chart.goto(f"{system.url}/?symbol=BTCUSDT&interval=1m&at={first + 31_000}")
    wait_for(lambda: pointed(chart) == first, 20, "the candle of the link")
    assert query(chart)["at"] == [str(first)]
    assert chart.inner_text("#picked").startswith("Picked ")
    chart.click("#picked .copy-link")
    wait_for(lambda: "Copied" in chart.inner_text("#picked"), what="a link that is copied")
    copied = chart.evaluate("navigator.clipboard.readText()")
    assert copied == f"{system.url}/?symbol=BTCUSDT&interval=1m&at={first}"
    chart.mouse.move(5, 5)  # where the button was is the chart again: the pointer would point there
    chart.focus("#plot")
    chart.keyboard.press("Escape")
    assert "at" not in query(chart)
    chart.keyboard.press("ArrowLeft")
    chart.keyboard.press("Enter")
    assert query(chart)["at"] == [str(pointed(chart))]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-60 * 24 * 30, "is not stored: the stored ones begin at"), (60 * 24, "has not begun yet")],
)
def test_a_link_to_a_candle_that_is_not_there_says_so(
    chart: Page, system: System, minutes: int, words: str
) -> None:
    at_ms = int(time.time() * 1000) + minutes * MINUTE_MS
    connected = "globalThis.truecandle?.state().link.kind === 'up'"
    wait_for(lambda: chart.evaluate(connected), what="a page that is connected")
    chart.goto(f"{system.url}/?symbol=BTCUSDT&interval=1m&at={at_ms}")
    wait_for_notice(chart, words)


def test_a_link_into_a_gap_says_so(chart: Page, system: System, hole: range) -> None:
    connected = "globalThis.truecandle?.state().link.kind === 'up'"
    wait_for(lambda: chart.evaluate(connected), what="a page that is connected")
    chart.goto(f"{system.url}/?symbol=BTCUSDT&interval=1s&at={hole[2]}")
    wait_for_notice(chart, "exchange maintenance")
    assert chart.query_selector("#legend[data-state=gap]")


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []


def wait_for_notice(page: Page, words: str) -> None:
    """Until the sentence across the chart says that; else all that it said is told."""
    said: list[str] = []

    def is_said() -> bool:
        said.append(page.inner_text("#notice"))
        return words in said[-1]

    with suppress(AssertionError):
        wait_for(is_said)
    assert words in said[-1], set(said)


def marked(page: Page, open_ms: int) -> bool:
    found: bool = page.evaluate(
        f"globalThis.truecandle?.marked().ticks.some((tick) => tick.time === {open_ms})"
    )
    return found


def shown(page: Page, selector: str) -> ElementHandle:
    """What the page shows there, as soon as it does."""
    found = wait_for(lambda: page.query_selector(selector), what=selector)
    assert found
    return found


def band_of(page: Page, hole: range) -> dict[str, float] | None:
    bands = page.evaluate("globalThis.truecandle?.marked().bands ?? []")
    for band in bands:
        gap = band["gap"]
        if (gap["startMs"], gap["endMs"]) == (hole.start, hole.stop) and gap["reason"]:
            return {"left": band["left"], "right": band["right"]}
    return None


def point(page: Page, x: float, y: float) -> None:
    """The pointer on a place of the plot."""
    box = page.locator("#plot").bounding_box()
    assert box
    page.mouse.move(box["x"] + x, box["y"] + y)


#: The note below the legend, read at one moment: candles of a second move on under the pointer.
NOTE = """(openMs) => {
  const table = document.querySelector("#correction table");
  if (truecandle.pointed() !== openMs || table === null) return null;
  const cells = (row) => [...row.querySelectorAll("[data-version]")];
  const pair = (cell) => [cell.dataset.version, cell.textContent];
  const values = (row) => Object.fromEntries(cells(row).map(pair));
  return {
    rows: [...table.querySelectorAll("tbody tr")].map(values),
    differing: [...table.querySelectorAll("[data-differs]")].map((cell) => cell.dataset.version),
    words: document.querySelector("#correction p").textContent,
    state: document.querySelector("#legend [data-cell=state]").textContent,
  };
}"""


def note_at(page: Page, open_ms: int) -> dict[str, Any] | None:
    """The note of a marked candle, the pointer being put on it wherever it has moved meanwhile."""
    ticks = page.evaluate("truecandle.marked().ticks")
    tick = next(tick for tick in ticks if tick["time"] == open_ms)
    point(page, tick["x"], tick["y"] + 6)
    found: dict[str, Any] | None = page.evaluate(NOTE, open_ms)
    return found


def pointed(page: Page) -> int | None:
    found: int | None = page.evaluate("truecandle.pointed()")
    return found


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def versions(row: ElementHandle) -> dict[str | None, str]:
    cells = row.query_selector_all("[data-version]")
    return {cell.get_attribute("data-version"): cell.inner_text() for cell in cells}


def number(text: str) -> float:
    return float(text.replace(",", ""))


def plain(value: float) -> str:
    """As JavaScript writes a number."""
    return str(int(value)) if value == int(value) else str(value)

"""Drawings in a real browser: by pointer, finger and keys, moved, undone, kept, seen elsewhere.

Never here: geometry and merging (`tests/js/drawings.test.mjs`), what the server takes
(`tests/web/test_drawings.py`).
Invariant: places are those of the chart's own pixels; the server is asked for what it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.axe import violations
from tests.support.chart_page import forget_choices, go, wait_for_bars
from tests.support.page_pictures import picture
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STEPS = 6
MARKET = "BTCUSDT"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One that is read without an account too."""
    whole = System(
        tmp_path_factory.mktemp("drawings"), Roles(), HISTORY_CANDLES="600", PUBLIC_READS="1"
    )
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


@pytest.fixture
def desk(chart: Page) -> Iterator[Page]:
    """The chart at BTCUSDT 1m with the tools shown, and nothing drawn; nothing is left of it."""
    forget_choices(chart)
    clear(chart)
    go(chart, MARKET, "1m")
    show_tools(chart)
    yield chart
    clear(chart)
    forget_choices(chart)


def show_tools(page: Page) -> None:
    if page.locator(".rail").count() == 0:
        page.keyboard.press("Alt+d")
    page.locator("#tool-trend").wait_for()


def stored(page: Page) -> Any:
    """What the server has for who is signed in there."""
    return page.evaluate(f"fetch('/drawings/{MARKET}').then((answer) => answer.json())")


def clear(page: Page) -> None:
    """Nothing is drawn any more; what the page has drawn may first be saved."""
    unsaved = "Object.keys(sessionStorage).some((key) => key.startsWith('truecandle.drawings.'))"
    wait_for(lambda: not page.evaluate(unsaved), 20, "drawings that are saved")
    script = """async (market) => {
      const {version} = await (await fetch(`/drawings/${market}`)).json();
      const token = document.querySelector('meta[name="csrf-token"]').content;
      const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
      const body = JSON.stringify({drawings: [], version});
      return (await fetch(`/drawings/${market}`, {method: "PUT", headers, body})).status;
    }"""
    wait_for(lambda: page.evaluate(script, MARKET) == 200, what="nothing drawn")


def painted(page: Page) -> list[Any]:
    """What is drawn on the chart: kind, points, and their pixels."""
    found: list[Any] = page.evaluate("truecandle.drawings()")
    return found


def is_at(page: Page, points: Any) -> bool:
    """Whether the one drawing that there is has these points."""
    return [one["points"] for one in painted(page)] == [points]


def kinds(page: Page) -> list[str]:
    return sorted(one["kind"] for one in painted(page))


def plot(page: Page) -> tuple[float, float, float, float]:
    box = page.locator("#plot").bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"] - 70, box["height"] * 0.75


def spot(page: Page, across: float, down: float) -> tuple[float, float]:
    """A place of the candles' pane, by parts of its width and height."""
    left, top, width, height = plot(page)
    return left + across * width, top + down * height


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=STEPS)
    page.mouse.up()


def at(page: Page, px: dict[str, float]) -> tuple[float, float]:
    left, top, _, _ = plot(page)
    return left + px["x"], top + px["y"]


def draw(page: Page, kind: str, *places: tuple[float, float]) -> None:
    """Takes the tool and clicks on each place."""
    before = len(painted(page))
    page.click(f"#tool-{kind}")
    for place in places:
        page.mouse.click(*spot(page, *place))
    wait_for(lambda: len(painted(page)) == before + 1, 10, f"a drawing of the kind {kind}")


def in_store(page: Page, count: int) -> Any:
    wait_for(lambda: len(stored(page)["drawings"]) == count, 20, f"{count} drawings on the server")
    return stored(page)["drawings"]


def kept_points(page: Page) -> Any:
    """The points of the one drawing that the server has."""
    return in_store(page, 1)[0]["points"]


def test_every_kind_is_drawn_by_pointer_and_kept_on_the_server(desk: Page) -> None:
    sight = desk.evaluate("truecandle.sight().toMs")
    draw(desk, "trend", (0.1, 0.7), (0.4, 0.4))
    draw(desk, "ray", (0.1, 0.9), (0.2, 0.85))
    draw(desk, "horizontal", (0.5, 0.25))
    draw(desk, "vertical", (0.62, 0.5))
    draw(desk, "channel", (0.25, 0.5), (0.45, 0.3), (0.3, 0.62))
    draw(desk, "rectangle", (0.65, 0.3), (0.75, 0.5))
    draw(desk, "fibonacci", (0.78, 0.3), (0.92, 0.7))
    draw(desk, "arrow", (0.5, 0.8), (0.58, 0.6))
    draw(desk, "measure", (0.66, 0.85), (0.76, 0.6))
    desk.click("#tool-text")
    desk.mouse.click(*spot(desk, 0.3, 0.15))
    desk.locator("#drawing-text").fill("Here it turned")
    picture(desk, "drawing-text")
    desk.keyboard.press("Enter")
    kept = in_store(desk, 10)
    assert [one.get("text") for one in kept if one["kind"] == "text"] == ["Here it turned"]
    assert all(
        isinstance(point["price"], str) and point["time"] > 0
        for one in kept for point in one["points"]
    )  # fmt: skip
    assert desk.evaluate("truecandle.sight().toMs") >= sight  # the chart was not dragged along
    desk.click("#drawings")
    panel = desk.locator("#drawings-panel")
    panel.get_by_text("Kept on the server").wait_for()
    assert panel.locator(".drawn-row").count() == 10
    desk.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert violations(desk) == []
    picture(desk, "drawings")
    desk.evaluate("document.documentElement.dataset.theme = 'light'")
    assert violations(desk) == []
    picture(desk, "drawings-light")
    desk.keyboard.press("Escape")


def test_a_drawing_is_moved_by_its_body_and_its_handles_and_undone(desk: Page) -> None:
    draw(desk, "trend", (0.2, 0.6), (0.5, 0.3))
    first = painted(desk)[0]
    middle = {
        "x": (first["px"][0]["x"] + first["px"][1]["x"]) / 2,
        "y": (first["px"][0]["y"] + first["px"][1]["y"]) / 2,
    }
    x, y = at(desk, middle)
    drag(desk, (x, y), (x + 60, y + 40))
    wait_for(lambda: painted(desk)[0]["points"] != first["points"], 10, "a line that has moved")
    second = painted(desk)[0]
    minutes = [
        (two["time"] - one["time"]) / 60_000
        for one, two in zip(first["points"], second["points"], strict=True)
    ]
    assert minutes[0] == minutes[1] == 6  # bars of ten pixels
    x, y = at(desk, second["px"][1])
    drag(desk, (x, y), (x + 50, y - 30))
    wait_for(lambda: painted(desk)[0]["points"][1] != second["points"][1], 10, "a moved handle")
    third = painted(desk)[0]
    assert third["points"][0] == second["points"][0]
    for before in (second, first):
        desk.keyboard.press("Control+z")
        wait_for(partial(is_at, desk, before["points"]), 10, "undone")
    desk.keyboard.press("Control+z")
    wait_for(lambda: painted(desk) == [], 10, "nothing drawn")
    for _ in range(3):
        desk.keyboard.press("Control+Shift+z")
    wait_for(partial(is_at, desk, third["points"]), 10, "done again")
    last = third["points"][1]["time"]
    wait_for(lambda: kept_points(desk)[1]["time"] == last, 20, "the last one on the server")


def test_style_lock_and_hiding_are_kept_and_what_is_locked_stays_where_it_is(desk: Page) -> None:
    draw(desk, "horizontal", (0.5, 0.4))
    desk.click("#drawing-color")
    desk.get_by_role("menuitemradio", name="Orange").click()
    desk.click("#drawing-dash")
    desk.get_by_role("menuitemradio", name="Dashed").click()
    desk.click("#drawing-width")
    desk.get_by_role("menuitemradio", name="3 px").click()
    desk.get_by_role("button", name="Locked").click()
    locked = painted(desk)[0]
    assert locked["style"] == {"color": "orange", "width": 3, "dash": "dashed"}
    x, y = at(desk, locked["px"][0])
    drag(desk, (x, y), (x, y + 80))
    desk.keyboard.press("Delete")
    assert painted(desk)[0]["points"] == locked["points"]
    in_store(desk, 1)
    wait_for(lambda: stored(desk)["drawings"][0].get("locked") is True, 20, "a locked line")
    desk.get_by_role("button", name="Hidden").click()
    wait_for(lambda: painted(desk) == [], 10, "a hidden line")
    wait_for(lambda: stored(desk)["drawings"][0].get("hidden") is True, 20, "hidden when kept")


def heard(page: Page) -> str:
    return page.text_content("#announcer") or ""


def test_keys_alone_draw_select_move_and_remove(desk: Page) -> None:
    desk.locator("#plot").focus()
    desk.keyboard.press("Alt+t")
    wait_for(lambda: desk.get_attribute("#tool-trend", "aria-pressed") == "true", 10, "the tool")
    for key in ["ArrowLeft"] * 12 + ["Enter"] + ["ArrowRight"] * 8 + ["ArrowUp"] * 3 + ["Enter"]:
        desk.keyboard.press(key)
    wait_for(lambda: kinds(desk) == ["trend"], 10, "a line drawn by keys")
    assert "Drawn: Trend line" in heard(desk)
    one, two = painted(desk)[0]["points"]
    assert (two["time"] - one["time"]) == 8 * 60_000
    assert two["price"] > one["price"]
    desk.keyboard.press("Escape")
    assert desk.locator(".style-bar").count() == 0
    desk.keyboard.press("Tab")  # Escape lets Tab leave the chart
    assert desk.evaluate("document.activeElement.id") != "plot"
    desk.locator("#plot").focus()
    desk.keyboard.press("Tab")
    desk.locator(".style-bar").wait_for()
    assert "Selected: Trend line" in heard(desk)
    for key in ("ArrowLeft", "ArrowDown"):
        desk.keyboard.press(key)
    moved = painted(desk)[0]["points"]
    assert [point["time"] for point in moved] == [one["time"] - 60_000, two["time"] - 60_000]
    assert moved[0]["price"] < one["price"]
    desk.keyboard.press("Delete")
    wait_for(lambda: painted(desk) == [], 10, "nothing drawn")
    desk.keyboard.press("Control+z")
    wait_for(lambda: kinds(desk) == ["trend"], 10, "the line again")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Tab")
    assert desk.evaluate("document.activeElement.id") != "plot"  # no trap after the last drawing


def test_a_drawing_is_where_it_was_on_another_interval_and_in_another_browser(
    desk: Page, system: System, chromium: Browser
) -> None:
    draw(desk, "rectangle", (0.3, 0.3), (0.6, 0.6))
    desk.keyboard.press("Escape")
    before = painted(desk)[0]
    in_store(desk, 1)
    go(desk, MARKET, "1s")
    wait_for(lambda: kinds(desk) == ["rectangle"], 20, "the rectangle at 1s")
    there = painted(desk)[0]
    assert there["points"] == before["points"]
    minutes = (before["points"][1]["time"] - before["points"][0]["time"]) / 60_000
    bars = round((there["px"][1]["x"] - there["px"][0]["x"]) / 10)
    assert bars >= minutes * 50  # seconds where something is missing take no place
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    elsewhere = context.new_page()
    elsewhere.goto(system.flask("user", "link", "demo")[-1])
    elsewhere.wait_for_url(f"{system.url}/", timeout=20_000)
    go(elsewhere, MARKET, "1m")
    wait_for(lambda: kinds(elsewhere) == ["rectangle"], 20, "the rectangle elsewhere")
    assert painted(elsewhere)[0]["points"] == before["points"]
    show_tools(elsewhere)
    draw(elsewhere, "vertical", (0.4, 0.5))
    in_store(elsewhere, 2)
    go(desk, MARKET, "1m")
    wait_for(lambda: kinds(desk) == ["rectangle", "vertical"], 20, "what was drawn elsewhere")
    draw(elsewhere, "horizontal", (0.4, 0.4))  # meanwhile here, from a version before
    draw(desk, "arrow", (0.2, 0.8), (0.3, 0.7))
    wait_for(
        lambda: (
            sorted(one["kind"] for one in stored(desk)["drawings"])
            == ["arrow", "horizontal", "rectangle", "vertical"]
        ),
        30,
        "the drawings of both",
    )
    context.close()


def test_who_may_not_write_draws_too_and_this_browser_keeps_it(
    desk: Page, system: System, chromium: Browser, problems: list[str]
) -> None:
    """A reader without an account, and one whose role is to look on."""
    system.flask("user", "role", "demo", "viewer")
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    try:
        stranger = context.new_page()
        stranger.on("pageerror", lambda error: problems.append(str(error)))
        stranger.on(
            "console", lambda one: problems.append(one.text) if one.type == "error" else None
        )
        stranger.goto(f"{system.url}/?symbol={MARKET}&interval=1m")
        desk.reload()
        for page in (stranger, desk):
            wait_for_bars(page)
            show_tools(page)
            draw(page, "trend", (0.2, 0.3), (0.5, 0.5))
            drawn = painted(page)[0]["points"]
            page.reload()
            wait_for_bars(page)
            wait_for(partial(is_at, page, drawn), 30, "the line, after a reload")
    finally:
        context.close()
        system.flask("user", "role", "demo", "admin")
    assert stored(desk)["drawings"] == []
    desk.evaluate("localStorage.clear()")
    desk.reload()
    wait_for_bars(desk)


def swipe(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """One finger, put down, moved in steps and lifted, as a screen tells it."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": 0} for x, y in places]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", start)
    for step in range(1, STEPS + 1):
        part = step / STEPS
        place = tuple(a + (b - a) * part for a, b in zip(start, end, strict=True))
        send("touchMove", (place[0], place[1]))
    send("touchEnd")
    session.detach()


@pytest.mark.usefixtures("desk")
def test_a_finger_draws_and_moves_and_leaves_the_chart_where_it_is(phone: Page) -> None:
    if phone.locator(".rail").count() == 0:  # it is there if the desktop's choice was saved by then
        phone.locator("#more").tap()
        phone.get_by_role("menuitemcheckbox", name="Drawing tools").tap()
        phone.keyboard.press("Escape")
    phone.locator("#tool-trend").wait_for()
    sight = phone.evaluate("truecandle.sight().toMs")
    phone.locator("#tool-trend").tap()
    swipe(phone, spot(phone, 0.2, 0.6), spot(phone, 0.7, 0.4))
    wait_for(lambda: kinds(phone) == ["trend"], 10, "a line drawn by finger")
    drawn = painted(phone)[0]
    middle = {
        "x": (drawn["px"][0]["x"] + drawn["px"][1]["x"]) / 2,
        "y": (drawn["px"][0]["y"] + drawn["px"][1]["y"]) / 2,
    }
    x, y = at(phone, middle)
    swipe(phone, (x, y + 8), (x - 40, y + 60))
    wait_for(lambda: painted(phone)[0]["points"] != drawn["points"], 10, "a line that has moved")
    assert phone.evaluate("truecandle.sight().toMs") >= sight
    phone.locator(".style-bar").wait_for()
    assert violations(phone) == []
    picture(phone, "phone-drawing")
    phone.get_by_role("button", name="Remove").tap()
    wait_for(lambda: painted(phone) == [], 10, "nothing drawn")
    swipe(phone, spot(phone, 0.2, 0.5), spot(phone, 0.8, 0.5))
    wait_for(lambda: phone.evaluate("truecandle.sight().toMs") < sight, 10, "a dragged chart")


def test_the_page_complains_of_nothing_but_of_the_conflict_that_was_merged(
    problems: list[str],
) -> None:
    """What was chosen just before somebody became a viewer may be refused: 403 of `/settings`."""
    others = [one for one in problems if "409 (CONFLICT)" not in one]
    assert [one for one in others if "403" not in one or "/settings" not in one] == []

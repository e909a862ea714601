"""What the page says while something is away: the truth, within 3 s, and nothing moves."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.axe import violations
from tests.support.chart_page import opened, wait_for_bars
from tests.support.page_pictures import picture
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route, WebSocketRoute

HEAL_S = 45.0
#: The page looks at its clock four times a second and draws what it saw at its next frame. Looks
#: are counted, not time: a machine that keeps the page waiting keeps these looks waiting as well.
LATE_LOOKS = 4
#: Counts the looks in a row at which the badge said live of a trade older than 3 s.
_WATCH = """() => {
  globalThis.lateLooks = 0;
  let inARow = 0;
  setInterval(() => {
    const {nowMs, lastNewsMs} = truecandle.state();
    const said = document.getElementById('pill-text').textContent;
    inARow = said === 'Live' && nowMs - lastNewsMs > 3_000 ? inARow + 1 : 0;
    globalThis.lateLooks = Math.max(lateLooks, inARow);
  }, 250);
}"""
_BOX = """() => {
  const {top, left, width, height} = document.getElementById('plot').getBoundingClientRect();
  return [top, left, width, height];
}"""


#: Which elements have moved, by the browser's own account: up or down at all, or sideways by more
#: than a digit or two of a price that was not known yet. What the chart does within its place is
#: its own business, and badge and status line are rows of words.
_NOTE_MOVES = """
  globalThis.moved = [];
  const note = ({node, previousRect: before, currentRect: now}) => {
    const one = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (!one || one.closest('#plot')) return;
    const isWord = one.closest('.aside, .status-facts');
    const isFar = Math.abs(now.top - before.top) > 1 || Math.abs(now.left - before.left) > 16;
    const way = `${before.left},${before.top} to ${now.left},${now.top}`;
    const words = one.parentElement.textContent;
    if (isFar && !isWord) moved.push(`${one.id} ${one.className} ${one.tagName} ${way} ${words}`);
  };
  new PerformanceObserver((list) => {
    for (const {sources} of list.getEntries()) sources.forEach(note);
  }).observe({type: 'layout-shift', buffered: true});
"""
#: As another tab does it.
_SIGN_OUT = """async () => {
  const csrf = document.querySelector('meta[name=csrf-token]').content;
  const body = new URLSearchParams({csrf_token: csrf});
  await fetch('/logout', {method: 'POST', redirect: 'manual', body});
}"""


@pytest.fixture
def page(chart: Page) -> Iterator[Page]:
    """A window of its own for each test, live, and watched."""
    with opened(chart, "?symbol=BTCUSDT&interval=1s") as one:
        wait_for(partial(says, one, "Live"), HEAL_S, "Live")
        one.evaluate(_WATCH)
        yield one


def says(page: Page, words: str) -> bool:
    return words in (page.locator("#pill").text_content() or "")


def still(system: System, role: str, number: signal.Signals) -> None:
    """Stops a part without ending it, or lets it go on."""
    if role == "redis":
        (system.redis.freeze if number == signal.SIGSTOP else system.redis.thaw)()
    else:
        system.roles[role].send(number)


def is_grey(page: Page) -> bool:
    colors = """() => ['#market-price', '.status']
      .map((name) => getComputedStyle(document.querySelector(name)).color)"""
    price, muted = page.evaluate(colors)
    return bool(price == muted) and page.locator("[data-live=no]").count() == 1


@pytest.mark.parametrize("role", ["web", "redis", "feed", "sim"])
def test_live_is_said_for_three_seconds_at_most_after_a_part_has_stopped(
    role: str, page: Page, system: System
) -> None:
    """When it stands still without closing a connection, then the badge tells so, prices go grey,
    nothing moves; and all is as before when it goes on."""
    before = page.evaluate(_BOX)
    still(system, role, signal.SIGSTOP)
    try:
        wait_for(lambda: is_grey(page), 30, "grey prices")
        assert page.evaluate("truecandle.state().closesInMs") is None
        wait_for(lambda: not says(page, "Live"), what="another word than Live")
        if role == "web":
            wait_for(lambda: page.locator("#notice-retry").is_visible(), 30, "a way to try now")
            assert violations(page) == []
            picture(page, "server-away")
        assert page.evaluate(_BOX) == before
    finally:
        still(system, role, signal.SIGCONT)
    wait_for(partial(says, page, "Live"), HEAL_S, "Live")
    wait_for(lambda: not is_grey(page), what="prices in their colour")
    assert page.evaluate("lateLooks") <= LATE_LOOKS
    assert page.evaluate(_BOX) == before


def test_the_page_is_laid_out_before_anything_has_come_and_never_moves_again(page: Page) -> None:
    """From the first paint on, over a while without candles, to a live chart."""
    page.add_init_script(_NOTE_MOVES)
    held: list[Route] = []
    for window in ({"width": 1280, "height": 800}, {"width": 390, "height": 844}):
        page.route("**/data?*", lambda route: held.append(route))
        page.set_viewport_size(window)  # type: ignore[arg-type]
        page.goto(page.url, wait_until="commit")
        wait_for(partial(page.locator("#skeleton").is_visible), what="a skeleton")
        wait_for(partial(page.evaluate, "truecandle.state().load.kind"), what="a session")
        assert held
        picture(page, f"loading-{window['width']}")
        while held:
            held.pop().continue_()
        page.unroute("**/data?*")
        wait_for_bars(page)
        wait_for(lambda: not says(page, "Loading"), what="a word of how fresh it is")
        assert page.evaluate("moved") == []


def test_where_the_socket_is_shut_out_the_chart_goes_on_by_rest_and_says_so(
    page: Page, system: System
) -> None:
    blocked = True

    def gate(socket: WebSocketRoute) -> None:
        if blocked:
            socket.close()
        else:
            socket.connect_to_server()

    page.route_web_socket("**/socket.io/**", gate)
    page.reload()
    wait_for(partial(says, page, "every 5"), 30, "words about asking every 5 s")
    assert violations(page) == []
    assert not is_grey(page) and page.locator("#notice").is_hidden()
    picture(page, "socket-blocked")
    last = "truecandle.bars().findLast((bar) => bar.state === 'final').time"
    reached_ms = page.evaluate(last) + 8_000
    wait_for(lambda: page.evaluate(last) >= reached_ms, 30, "candles of another 8 s")
    times = page.evaluate("truecandle.bars().map((bar) => bar.time)")
    assert all(b - a == 1000 for a, b in zip(times[-60:], times[-59:], strict=False))
    blocked = False
    wait_for(partial(says, page, "Live"), HEAL_S, "Live")


def test_a_market_without_candles_says_so_and_shows_them_as_soon_as_they_come(
    page: Page, system: System
) -> None:
    follow = """async (symbol) => {
      const token = document.querySelector('meta[name="csrf-token"]').content;
      const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
      const body = JSON.stringify({symbol});
      return (await fetch("/markets", {method: "POST", headers, body})).status;
    }"""
    system.script("delay", path="klines", symbol="PEPEUSDT", ms=6_000, count=None)
    still(system, "feed", signal.SIGSTOP)
    try:
        assert page.evaluate(follow, "PEPEUSDT") == 201
        page.goto(f"{system.url}/?symbol=PEPEUSDT&interval=1m")
        title = page.locator("#empty-title")
        title.wait_for()
        assert title.inner_text() == "No candles of PEPEUSDT 1m yet"
        assert violations(page) == []
        picture(page, "empty")
    finally:
        requests.delete(f"{system.sim_url}/sim/faults", timeout=5)
        still(system, "feed", signal.SIGCONT)
    wait_for_bars(page)
    assert page.locator("#empty").count() == 0


def test_a_device_without_network_is_told_so_and_not_that_the_server_is_away(page: Page) -> None:
    page.context.set_offline(True)
    wait_for(partial(says, page, "You are offline"), 15, "You are offline")
    text = page.locator("#notice-text")
    wait_for(lambda: (text.text_content() or "").startswith("You are offline since"), what="why")
    picture(page, "offline")
    assert violations(page) == []
    page.context.set_offline(False)
    wait_for(partial(says, page, "Live"), HEAL_S, "Live")


def test_signed_out_elsewhere_the_page_keeps_its_candles_and_offers_to_sign_in(page: Page) -> None:
    """The last of this module: it ends the session of all."""
    count = page.evaluate("truecandle.bars().length")
    page.evaluate(_SIGN_OUT)
    wait_for(partial(says, page, "Signed out"), 20, "Signed out")
    assert is_grey(page) and page.evaluate("truecandle.bars().length") >= count
    link = page.locator("#notice a")
    assert link.inner_text() == "Sign in" and "next=" in (link.get_attribute("href") or "")
    assert violations(page) == []
    picture(page, "signed-out")

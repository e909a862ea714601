"""The ways in: a one-time link in whatever tab, a wrong password, a server not there yet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.axe import violations
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def link(chart: Page, system: System) -> Iterator[str]:
    """A link that nobody has used: the web role prints one at each start."""
    system.kill("web")
    system.start("web")
    system.ready()
    yield system.sign_in_link()


def test_a_link_works_in_a_tab_that_shows_the_sign_in_page_already(page: Page, link: str) -> None:
    """Pasted there it changes only what stands behind the #, and no token stays in the address."""
    page.goto(link.split("#")[0])
    page.evaluate("(link) => { location.href = link; }", link)
    page.wait_for_url(lambda url: "/login" not in url)
    wait_for(lambda: page.locator("#plot").is_visible(), what="the chart")
    assert "#" not in page.url
    page.go_back()
    assert "link=" not in page.url


def test_a_link_followed_by_who_is_signed_in_leaves_no_token_in_the_address(
    chart: Page, link: str
) -> None:
    tab = chart.context.new_page()
    tab.goto(link)
    wait_for(lambda: "#" not in tab.url, what="an address without a token")
    wait_for(lambda: tab.locator("#plot").is_visible(), what="the chart")
    tab.close()


def test_a_link_that_was_used_is_refused_in_words(page: Page, system: System) -> None:
    page.goto(f"{system.url}/login#link=used")
    wait_for(lambda: page.locator("#error").is_visible(), what="a refusal")
    assert page.locator("#error").inner_text().endswith("or sign in below.")
    assert "#" not in page.url
    assert violations(page) == []


def test_a_wrong_password_keeps_the_name_and_asks_for_the_password_again(
    page: Page, system: System
) -> None:
    page.goto(f"{system.url}/login")
    page.fill("#username", 'a"b<i>')
    page.fill("#password", "wrong")
    page.keyboard.press("Enter")
    wait_for(lambda: page.locator("#error").is_visible(), what="a refusal")
    assert page.input_value("#username") == 'a"b<i>' and page.input_value("#password") == ""
    assert page.evaluate("document.activeElement.id") == "password"
    assert violations(page) == []


def test_a_page_that_the_store_could_not_give_opens_by_itself(chart: Page, system: System) -> None:
    tab = chart.context.new_page()
    system.kill("redis")
    tab.goto(f"{system.url}/")
    assert tab.locator("h1").inner_text() == "Service unavailable"
    wait_for(lambda: tab.locator("#again").is_visible(), what="what happens next")
    assert violations(tab) == []
    system.start("redis")
    wait_for(lambda: tab.locator("#plot").is_visible(), 45, "the chart")
    tab.close()


def test_a_browser_that_is_too_old_is_told_so_in_a_sentence(chart: Page) -> None:
    tab = chart.context.new_page()
    tab.goto(chart.url)
    assert tab.locator("#too-old").is_hidden()
    tab.add_init_script("delete HTMLElement.prototype.popover")
    tab.reload()
    wait_for(partial(tab.locator("#too-old").is_visible), what="the sentence")
    assert "too old" in tab.locator("#too-old").inner_text()
    tab.close()

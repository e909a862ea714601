"""The account page in a browser: a password, a second factor and a token, by hand and eye."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyotp
import pytest

from tests.support.axe import violations
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD = "correct horse battery"
LOOKS = ({"color_scheme": "dark"}, {"color_scheme": "light"}, {"forced_colors": "active"})
IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def account(chart: Page, system: System, problems: list[str]) -> Iterator[Page]:
    """The page of whoever is signed in to the chart, in a tab of its own."""
    tab = chart.context.new_page()
    tab.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    tab.goto(f"{system.url}/account")
    yield tab
    tab.close()


def looks_well(page: Page) -> None:
    """In every look nothing is wrong for anybody, and a phone shows it without scrolling aside."""
    for look in LOOKS:
        page.emulate_media(**look)  # type: ignore[arg-type]
        assert violations(page) == []
    page.emulate_media(color_scheme="dark", forced_colors="none")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert not page.evaluate(IS_WIDER)
        small = page.evaluate(
            """[...document.querySelectorAll("button, select, input:not([type=hidden], .sr)")]
            .filter((one) => one.type !== "checkbox" && one.getBoundingClientRect().height < 40)
            .map((one) => one.outerHTML)"""
        )
        assert small == []


def set_password(page: Page, old: str | None, new: str) -> None:
    if old is not None:
        page.fill("#password-old", old)
    page.fill("#password-new", new)
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("Password changed.").wait_for()


def test_the_bar_leads_to_the_account(chart: Page, system: System) -> None:
    assert chart.get_attribute(".account-name", "href") == "/account"
    chart.click("#more")
    chart.get_by_role("menuitem", name="Password, sessions, tokens").wait_for()
    chart.keyboard.press("Escape")


def test_the_page_looks_well_as_it_is_and_after_a_mistake(account: Page) -> None:
    assert account.get_by_text("This browser").is_visible()
    looks_well(account)
    account.fill("#password-new", "password1")
    account.get_by_role("button", name="Change password").click()
    account.get_by_role("alert").wait_for()
    looks_well(account)


def test_what_tokens_may_ask_looks_well_too(account: Page) -> None:
    account.click("text=what they may ask")
    account.wait_for_url("**/docs")
    assert account.get_by_role("heading", name="API", exact=True).is_visible()
    looks_well(account)
    account.get_by_role("link", name="Events").click()
    assert account.get_by_role("heading", name="Events", exact=True).is_visible()
    looks_well(account)


def test_a_password_a_phone_and_a_token_from_the_first_link_to_signing_in_by_code(
    account: Page, system: System, chromium: Browser, problems: list[str]
) -> None:
    set_password(account, None, PASSWORD)
    phone = set_up_phone(account)
    account.goto(f"{system.url}/account")
    assert account.get_by_text("10 of 10 recovery codes are left").is_visible()
    make_token(account)
    context = chromium.new_context()
    sign_in_by_code(context.new_page(), system, phone)
    context.close()
    account.goto(f"{system.url}/account")
    account.get_by_role("button", name="End all other sessions").click()
    account.get_by_text("1 other session ended.").wait_for()
    account.fill("#factor-password", PASSWORD)
    account.get_by_role("button", name="Switch it off").click()
    account.get_by_text("Second factor ended").wait_for()
    refusals = "Failed to load resource"  # those that were asked for
    assert [said for said in problems if not said.startswith(refusals)] == []


def set_up_phone(page: Page) -> pyotp.TOTP:
    page.fill("#factor-password", PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    picture = page.locator(".qr")
    picture.wait_for()
    assert picture.evaluate("(image) => image.complete && image.naturalWidth > 0")
    looks_well(page)
    phone = pyotp.TOTP(page.inner_text(".secret").replace(" ", ""))
    page.fill("#factor-code", phone.at(time.time() - 30))
    page.get_by_role("button", name="Switch it on").click()
    page.locator(".codes li").nth(9).wait_for()
    looks_well(page)
    return phone


def make_token(page: Page) -> None:
    page.fill("#token-label", "notebook")
    page.select_option("#token-scope", "write")
    page.fill("#token-password", PASSWORD)
    page.get_by_role("button", name="Make a token").click()
    page.get_by_text("The new token is shown only now").wait_for()
    looks_well(page)
    page.get_by_role("button", name="End the token notebook").click()
    page.get_by_text("Token ended.").wait_for()


def sign_in_by_code(page: Page, system: System, phone: pyotp.TOTP) -> None:
    page.goto(f"{system.url}/login?next=/?symbol%3DETHUSDT")
    page.fill("#username", "demo")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#code").wait_for()
    looks_well(page)
    page.fill("#code", "000000")
    page.keyboard.press("Enter")
    page.locator("#error").wait_for()
    looks_well(page)
    page.fill("#code", phone.now())
    page.keyboard.press("Enter")
    wait_for(lambda: page.locator("#plot").is_visible(), what="the chart")
    assert page.url.endswith("symbol=ETHUSDT") or "ETHUSDT" in page.url

"""One whole system for each module of end-to-end tests, and a page that is signed in to it.

Never here: what a test promises.
Invariant: the system is started from nothing and ended with the module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.chart_page import PHONE, go, opened
from tests.support.role_processes import Roles
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder, followed = tmp_path_factory.mktemp("system"), "BTCUSDT,ETHUSDT"
    # more than a screen: at the first candle stored a page would fetch, and meet the tests' faults
    whole = System(folder, Roles(), f"{followed},PEPEUSDT", SYMBOLS=followed, HISTORY_CANDLES="600")
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


@pytest.fixture(scope="module")
def problems() -> list[str]:
    """What the page has complained of so far: errors thrown, errors on the console."""
    return []


@pytest.fixture(scope="module")
def chart(system: System, chromium: Browser, problems: list[str]) -> Iterator[Page]:
    """The chart page, signed in by the one-time link, at BTCUSDT 1s."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(_told(said)) if said.type == "error" else None)
    page.goto(system.sign_in_link())
    page.wait_for_url(f"{system.url}/", timeout=20_000)
    go(page, "BTCUSDT", "1s")
    yield page
    context.close()


def _told(said: ConsoleMessage) -> str:
    """What stands on the console, and of which address it is."""
    return f"{said.text} {said.location.get('url', '')}".strip()


@pytest.fixture
def phone(chart: Page, problems: list[str]) -> Iterator[Page]:
    """A phone of the one who is signed in, with the chart of BTCUSDT 1m."""
    with opened(chart, **PHONE) as page:
        page.on("pageerror", lambda error: problems.append(str(error)))
        yield page

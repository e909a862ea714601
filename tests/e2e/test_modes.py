"""The core of the page on the other two ways to serve; all other tests here run on eventlet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.chart_page import go, wait_for_bars
from tests.support.page_recorder import seen, watch
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module", params=("gevent", "threading"))
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    whole = System(tmp_path_factory.mktemp("system"), Roles(), ASYNC_MODE=request.param)
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


def test_candles_form_wait_and_become_official_on_one_connection(chart: Page) -> None:
    """For longer than any request may take: its reader says nothing all the while."""
    wait_for_bars(chart, "bars.every(({time}, i) => i === 0 || time - bars[i - 1].time === 1000)")
    watch(chart)
    wait_for(lambda: len(seen(chart).whole_ways) >= 15, 60, "candles that went the whole way")
    assert seen(chart).broken == []
    assert chart.evaluate("truecandle.state().load.kind") == "ready"


def test_another_market_and_interval_are_shown(chart: Page) -> None:
    go(chart, "ETHUSDT", "1m")
    wait_for_bars(chart, "bars.length > 50 && bars.every((bar) => bar.time % 60000 === 0)")


def test_a_lost_process_is_found_again_without_a_reload(chart: Page, system: System) -> None:
    go(chart, "BTCUSDT", "1s")
    chart.evaluate("globalThis.sameDocument = true")
    system.kill("web")
    system.start("web")
    system.ready()
    last = chart.evaluate("truecandle.bars().at(-1).time")
    wait_for_bars(chart, f"bars.filter((bar) => bar.state === 'final').at(-1).time > {last}")
    assert chart.evaluate("globalThis.sameDocument") is True


def test_signing_out_ends_it(chart: Page, system: System) -> None:
    chart.click("#account button")
    chart.wait_for_url(f"{system.url}/login*")
    chart.goto(system.url)
    chart.wait_for_url(f"{system.url}/login*")

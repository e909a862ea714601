"""The chart's page: what it has the browser fetch beside its scripts.

Never here: signing in (`test_auth`), settings (`test_user_settings`), a real browser
(`tests/e2e/test_visit.py` sees that the first candles are asked for once).
"""

from __future__ import annotations

import re

import pytest

from tests.support.web_app import Browser


def preloaded(browser: Browser, path: str) -> str | None:
    found = re.search(
        r'<link rel="preload" as="fetch" crossorigin href="([^"]+)">', browser.get(path).text
    )
    return found and found[1].replace("&amp;", "&")


def test_the_first_candles_of_a_named_series_come_beside_the_scripts(ann: Browser) -> None:
    found = preloaded(ann, "/?symbol=ethusdt&interval=1H")
    assert found == "/data?symbol=ETHUSDT&interval=1h&limit=500&time=ms&live=1&marks=1"
    assert ann.get(found).status_code == 200


@pytest.mark.parametrize("path", ["/", "/?symbol=ETHUSDT", "/?symbol=DOGEUSDT&interval=1h"])
def test_nothing_is_fetched_that_the_page_may_not_show(ann: Browser, path: str) -> None:
    assert preloaded(ann, path) is None

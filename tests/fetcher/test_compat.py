"""The functions that programs call by their first names."""

from __future__ import annotations

import pytest

import background_fetcher
from tests.support.driven_fetcher import MINUTES, NOW_MS, Desk, Events, stored
from truecandle.store import clock as shared


def test_the_names_of_the_first_sketch_do_what_the_fetcher_does(
    desk: Desk, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = desk.rest.klines("BTCUSDT", "1m", limit=5)
    shared.publish(desk.redis, NOW_MS)
    written = background_fetcher.upsert_klines_to_zset("BTCUSDT", "1m", rows, desk.redis)
    assert (written.added, len(written.refused)) == (4, 1)
    assert stored(desk.redis, MINUTES) == desk.truth(MINUTES, 4)
    events = Events(desk.redis)
    monkeypatch.setenv("REDIS_URL", redis_url)
    background_fetcher.notify_data_updated("BTCUSDT", "1m")
    (event,) = events.take()
    assert (event["version"], event["previous"]) == (written.version, written.version)

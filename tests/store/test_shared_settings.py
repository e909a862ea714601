"""Settings that roles have to agree on: a difference that harms is a sentence, no other is.

Never here: where the sentences are shown (`web/health`, `admin/doctor`).
Invariant: what another role says may be anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from tests.support.signs_of_life import spoke
from truecandle.config import Settings
from truecandle.store.roles import AWAY_MS
from truecandle.store.shared_settings import differences, living, told, trades_kept

OWN = Settings(trades_kept=100, intervals=("1m", "1h"))
SAME = told(OWN)


def kept(*numbers: int) -> dict[str, list[dict[str, object]]]:
    """Feeds with these values of `TRADES_KEPT`."""
    return {"feed": [told(replace(OWN, trades_kept=number)) for number in numbers]}


@pytest.mark.parametrize(
    ("own", "feeds", "why"),
    [
        (100, (0,), "TRADES_KEPT is 100 for me and 0 for the feed: no trades come"),
        (100, (100, 0), "TRADES_KEPT is 100 for me and 0 and 100 for the feed: no trades come"),
        (0, (100,), "TRADES_KEPT is 0 for me and 100 for the feed: trades are kept that nobody"),
        (0, (0, 5), "TRADES_KEPT is 0 for me and 0 and 5 for the feed: trades are kept that"),
        (100, (5, 100), None),
        (0, (0,), None),
        (100, (), None),
    ],
)
def test_trades_that_one_role_wants_and_another_does_not_are_named(
    own: int, feeds: tuple[int, ...], why: str | None
) -> None:
    found = differences("me", replace(OWN, trades_kept=own), kept(*feeds))
    assert [one.startswith(why or "-") for one in found] == ([True] if why else [])
    assert all(one.endswith("start those again that have another.") for one in found)


def test_intervals_that_fetcher_or_feed_do_not_have_are_named() -> None:
    fewer, more = (told(replace(OWN, intervals=names)) for names in (("1m",), ("1m", "1h", "1d")))
    official, live = differences("me", OWN, {"fetcher": [fewer], "feed": [more, fewer]})
    assert "INTERVALS has 1h for me and not for the fetcher: no official candles" in official
    assert "INTERVALS has 1h for me and not for the feed: no live candles" in live
    assert differences("me", OWN, {"fetcher": [more], "feed": [SAME]}) == []


def test_history_that_the_fetcher_does_not_fetch_is_named() -> None:
    least, most = (told(replace(OWN, history_stored_max=number)) for number in (5, 300_000))
    (found,) = differences("me", OWN, {"fetcher": [most, least]})
    assert found.startswith(
        "HISTORY_STORED_MAX is 200000 for me and 5 for the fetcher: who scrolls"
    )
    assert differences("me", OWN, {"fetcher": [most]}) == []


@pytest.mark.parametrize(
    "junk",
    [{}, {"settings": 7}, {"settings": {"TRADES_KEPT": "0", "INTERVALS": "1m"}},
     {"settings": {"TRADES_KEPT": False, "INTERVALS": None}}],
)  # fmt: skip
def test_what_is_not_understood_counts_as_agreed(junk: dict[str, Any]) -> None:
    assert differences("me", OWN, {"fetcher": [junk], "feed": [junk]}) == []
    assert trades_kept(junk) is None


def test_those_count_that_have_spoken_of_late(redis: Redis) -> None:
    spoke(redis, "feed@one", 0, SAME)
    spoke(redis, "feed@dead", AWAY_MS + 5_000, kept(0)["feed"][0])
    spoke(redis, "fetcher", 0, {})
    assert living(redis, "feed") == [SAME]

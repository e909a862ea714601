"""What has changed of a series' official candles since a position: for who follows them.

Never here: who follows (`web/series_watch`), live candles, where what has changed is told.
Invariant: a position and what has changed up to it are of one instant of Redis; what cannot be told
candle by candle is said to be not whole, never left out silently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from redis import Redis

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.series import Series
from truecandle.store import keys, map_redis_errors, official, pages
from truecandle.store.batch import Batch, Queued
from truecandle.store.pages import Meta, Page, Query

#: Candles of one look; what is beyond them is the next look's.
CANDLES_MAX: Final = 1_000
#: The newest corrections looked at.
CORRECTIONS_MAX: Final = 10

_POSITION: Final = re.compile(r"(\d{1,16})-(\d{1,16})-(\d{1,16})-(\d{1,16})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody knows a series: its version, its newest candle's open time and how many
    candles it has, and when its newest correction was noticed (ms; 0: there is none).
    """

    version: int
    latest_ms: int
    count: int
    corrected_ms: int

    def __str__(self) -> str:
        return f"{self.version}-{self.latest_ms}-{self.count}-{self.corrected_ms}"


def parse_position(text: str) -> Position | None:
    """A position from its text; None for anything else."""
    found = _POSITION.fullmatch(text)
    return Position(*map(int, found.groups())) if found else None


class Changes(NamedTuple):
    """What has changed up to `position`: candles that opened after all known ones, others that were
    stored between these and are asked for, and corrected ones; each ascending.

    `has_more`: newer ones are there, for the next look. Not `is_whole`: something else has changed
    too, as candles filled in far back. `is_anew`: the position tells nothing, as it was of an empty
    series, or of another store.
    """

    position: Position
    added: tuple[OfficialCandle, ...] = ()
    corrected: tuple[OfficialCandle, ...] = ()
    has_more: bool = False
    is_whole: bool = True
    is_anew: bool = False


def queue(
    batch: Batch, series: Series, since: Position | None, from_ms: int | None = None
) -> Queued[Changes]:
    """Adds the reading to a batch of one instant. `from_ms`: candles from there on are `added`,
    else those after the position's newest; without a position nothing is.
    """
    if since is None or not since.latest_ms:
        query = Query(1)
    else:
        after_ms = since.latest_ms + 1
        query = Query(CANDLES_MAX, min(after_ms, after_ms if from_ms is None else from_ms))
    page, meta = pages.queue(batch, series, query), pages.queue_meta(batch, series)
    batch.pipe.lrange(keys.corrections(series), 0, CORRECTIONS_MAX - 1)
    return batch.queued(partial(_changes, page, meta, since))


@map_redis_errors()
def versions(redis: Redis, series: list[Series]) -> list[int]:
    """The versions of many series in one round trip; 0 where none is known."""
    texts: Any = redis.mget([keys.meta(one) for one in series]) if series else []
    return [pages.version_in(text) for text in texts]


def _changes(
    asked: Queued[Page], known: Queued[Meta], since: Position | None, texts: list[bytes]
) -> Changes:
    page, meta = asked.value, known.value
    corrections = official.decode_corrections(texts)
    noticed_ms = max((one.at for one in corrections), default=0)
    position = Position(meta.version, meta.latest or 0, meta.count, noticed_ms)
    if since is None:
        return Changes(position)
    is_former = 1 <= since.version <= meta.version and 0 < since.latest_ms <= position.latest_ms
    if not is_former:
        return Changes(position, is_whole=False, is_anew=True)
    added = tuple(pages.candles(page.members))
    following = sum(candle.open_ms > since.latest_ms for candle in added)
    news = [one for one in corrections if one.at > since.corrected_ms]
    fresh = {one.time: one.new for one in reversed(news)}
    corrected = tuple(fresh[open_ms] for open_ms in sorted(fresh))
    if page.has_more and added:
        last_ms = max(since.latest_ms, added[-1].open_ms)
        position = Position(since.version, last_ms, since.count + following, noticed_ms)
        return Changes(position, added, corrected, has_more=True)
    is_whole = meta.count - since.count == following and len(news) < CORRECTIONS_MAX
    return Changes(position, added, corrected, is_whole=is_whole)

"""Scrubs the sealed blocks of each series: looks at a few in a turn, and fetches again what cannot
be read, each block as a whole.

Never here: when (`fetch_scheduler`), what is stored of an answer (`ingest`), mending an index
(`flask doctor`).
Invariant: a block gives way to no fewer candles than it is said to hold; one that cannot be mended
costs one request a pause, and keeps nothing else of its series waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from redis import Redis

from truecandle.backoff import Backoff
from truecandle.binance.rest.client import RestClient
from truecandle.candles.interval import DAY_MS, LAST_MS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.errors import MalformedAnswer, StoreDamaged
from truecandle.ingest.kline_pages import KlinePageReader, Span
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.log_once import TroubleLog
from truecandle.store import block_inspection
from truecandle.store.block import BlockSpan
from truecandle.store.block_inspection import Looked

#: Blocks of a series that are looked at in a turn: with one each 20 s, eight years of minutes are
#: in six hours.
BLOCKS_A_TURN: Final = 4
#: A series without blocks is looked at again after this: most have none.
UNSEALED_MS: Final = 5 * MINUTE_MS
#: Blocks that are asked for again one by one; where more are broken, they wait for these.
TRIED_MAX: Final = 100

log = logging.getLogger(__name__)


class BlockScrub:
    """Where each series is, and which blocks were asked for in vain. `now_ms` is the exchange's
    clock."""

    def __init__(
        self,
        redis: Redis,
        pages: KlinePageReader,
        writer: OfficialWriter,
        now_ms: Callable[[], int],
    ) -> None:
        self._redis = redis
        self._pages = pages
        self._writer = writer
        self._now_ms = now_ms
        #: Of each series: from where to look next.
        self._next_ms: dict[str, int] = {}
        #: Of each series without blocks: when that was seen.
        self._unsealed_ms: dict[str, int] = {}
        #: Of each block that was asked for in vain: when to ask again, and how long to wait then.
        self._tried: dict[tuple[str, int], tuple[int, Backoff[int]]] = {}
        self._troubles = TroubleLog(log)

    def turn(self, rest: RestClient, series: Series) -> None:
        """Looks at the next blocks; asks for those that cannot be read. Raises an `ExchangeError`
        where it does not answer, or a `StoreError`."""
        refused_ms = self._writer.take_unreadable(series)
        seen_ms = self._unsealed_ms.get(series.name)
        if refused_ms is None and seen_ms is not None:
            if seen_ms <= self._now_ms() < seen_ms + UNSEALED_MS:
                return
            del self._unsealed_ms[series.name]
        from_ms = self._next_ms.get(series.name, 0) if refused_ms is None else refused_ms
        if not from_ms and not self._has_blocks(series):
            self._unsealed_ms[series.name] = self._now_ms()
            self._forget_mended(series, 0, Looked((), 0))
            return
        try:
            looked = block_inspection.look(self._redis, series, from_ms, BLOCKS_A_TURN)
        except StoreDamaged as error:
            self._troubles.report(series.name, error)
            self._next_ms.pop(series.name, None)
            return
        self._next_ms[series.name] = looked.next_ms
        self._forget_mended(series, from_ms, looked)
        for span in looked.unreadable:
            self._mend(rest, series, span)

    def _has_blocks(self, series: Series) -> bool:
        """Whether there are any to look at; with a broken index nobody knows."""
        try:
            blocks = block_inspection.check_index(self._redis, series)
        except StoreDamaged as error:
            self._troubles.report(series.name, error)
            return True
        self._troubles.clear(series.name)
        return blocks > 0

    def _forget_mended(self, series: Series, from_ms: int, looked: Looked) -> None:
        """Blocks that somebody else has mended since."""
        damaged, end_ms = {span.start_ms for span in looked.unreadable}, looked.next_ms or LAST_MS
        for key in list(self._tried):
            if key[0] == series.name and from_ms <= key[1] < end_ms and key[1] not in damaged:
                del self._tried[key]
                self._troubles.clear(_named(*key))

    def _has_room(self, now_ms: int) -> bool:
        """Whether one more may be asked for. One that nobody has looked at for a day after it was
        due is of a market that is followed no more."""
        if len(self._tried) >= TRIED_MAX:
            left = {key: one for key, one in self._tried.items() if now_ms < one[0] + DAY_MS}
            self._tried = left
        return len(self._tried) < TRIED_MAX

    def _mend(self, rest: RestClient, series: Series, span: BlockSpan) -> None:
        key, now_ms = (series.name, span.start_ms), self._now_ms()
        due_ms, backoff = self._tried.get(key) or (0, Backoff(MINUTE_MS, DAY_MS))
        if now_ms < due_ms or not (key in self._tried or self._has_room(now_ms)):
            return
        self._tried[key] = now_ms + backoff.fail(), backoff
        self._writer.counts["blocks that could not be read"] += 1
        why = "the exchange has fewer candles than it held; see flask doctor"
        try:
            is_whole = self._pages.read_block(rest, series, Span(*span), "scrub", is_all=False)
        except MalformedAnswer as error:
            is_whole, why = False, str(error)
        if is_whole:
            del self._tried[key]
            self._troubles.clear(_named(*key))
            log.warning("%s: a block from %d ms was fetched again", series, span.start_ms)
        else:
            what = f"this block cannot be read: {why}"
            self._troubles.report(_named(*key), StoreDamaged(what))


def _named(series: str, start_ms: int) -> str:
    """A block, as the log names it."""
    return f"{series} from {start_ms}"

"""The fetcher: official candles from the exchange's REST interface into the store.

Never here: live candles, Flask, eventlet, the loop (`background_fetcher.py`).
Invariant: it writes official candles through one `ingest.OfficialWriter`, and only while it leads.

Reading order: `build` (what belongs together), `series_sync` (what is done for a series),
`read_schedule` (when), `market_poller` (a market and its failures), `fetch_scheduler` (jobs),
`history_jobs` (older candles that somebody waits for), `symbol_registry` (which markets),
`heartbeat` (clock and signs of life), `leadership` (one of several fetchers), `compat`.
"""

from truecandle.fetcher.build import FetcherRole, build
from truecandle.fetcher.fetch_scheduler import CloseTrigger, FetchScheduler, new_scheduler
from truecandle.fetcher.heartbeat import Heartbeat
from truecandle.fetcher.history_jobs import HistoryFetcher
from truecandle.fetcher.leadership import FetcherLeadership
from truecandle.fetcher.series_sync import Refreshed, SeriesSync
from truecandle.fetcher.symbol_registry import SymbolRegistry

__all__ = [
    "CloseTrigger",
    "FetchScheduler",
    "FetcherLeadership",
    "FetcherRole",
    "Heartbeat",
    "HistoryFetcher",
    "Refreshed",
    "SeriesSync",
    "SymbolRegistry",
    "build",
    "new_scheduler",
]

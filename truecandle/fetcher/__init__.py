"""The fetcher: official candles from the exchange's REST interface into the store.

Never here: live candles, Flask, eventlet, the loop (`background_fetcher.py`).
Invariant: it writes official candles through one `ingest.OfficialWriter`, and only while it leads.

Reading order: `build` (what belongs together), `passes` (what is done for a series), `rereads` (the
last days once more), `plan` (when), `market` (failures), `rota` (jobs), `roster` (which markets),
`watch` (clock), `lead` (one of several fetchers).
"""

from truecandle.fetcher.build import FetcherRole, build
from truecandle.fetcher.lead import Lead
from truecandle.fetcher.passes import Fetcher, Refreshed
from truecandle.fetcher.roster import Roster
from truecandle.fetcher.rota import CloseTrigger, Rota, new_scheduler
from truecandle.fetcher.watch import Watch

__all__ = [
    "CloseTrigger",
    "Fetcher",
    "FetcherRole",
    "Lead",
    "Refreshed",
    "Roster",
    "Rota",
    "Watch",
    "build",
    "new_scheduler",
]

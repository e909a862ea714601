"""The fetcher: official candles from the exchange's REST interface into the store.

Never here: live candles, Flask, eventlet, the loop (`background_fetcher.py`).
Invariant: it writes official candles through one ledger, and only while it leads.

Reading order: `passes` (what is done for a series), `inquiry` (one page, and what it proves of
holes), `ledger` (store, then tell), `doubt` (what is not believed), `rereads` (the last days once
more), `plan` (when), `market` (failures), `rota` (jobs), `roster` (which markets), `watch` (clock),
`lead` (one of several fetchers).
"""

from truecandle.fetcher.lead import Lead
from truecandle.fetcher.ledger import Ledger
from truecandle.fetcher.passes import Fetcher, Refreshed
from truecandle.fetcher.roster import Roster
from truecandle.fetcher.rota import CloseTrigger, Rota, new_scheduler
from truecandle.fetcher.watch import Watch

__all__ = [
    "CloseTrigger",
    "Fetcher",
    "Lead",
    "Ledger",
    "Refreshed",
    "Roster",
    "Rota",
    "Watch",
    "new_scheduler",
]

"""Whether trades are passed on here, and if not, whose setting is the reason.

Never here: names of streams (`stream_names`), trades.
Invariant: who asks for trades that will never come is told so: a feed that keeps none is found out
by its sign of life. One that says nothing of it, or is away for the moment, counts as keeping them.
"""

from __future__ import annotations

from collections.abc import Iterable

from truecandle.store import shared_settings
from truecandle.web.services import Services
from truecandle.web.stream_names import is_of_trades


def why_none(services: Services) -> str:
    """Why no trades are passed on here; "" if they are. Raises a `StoreError`."""
    feeds = shared_settings.living(services.redis, "feed")
    kept = [shared_settings.trades_kept(one) for one in feeds]
    if services.settings.trades_kept:
        is_silent = bool(kept) and all(number == 0 for number in kept)
        return "TRADES_KEPT is 0 for the feed, not for the web role" if is_silent else ""
    if any(kept):
        return "TRADES_KEPT is 0 for the web role, not for the feed"
    return "TRADES_KEPT is 0"


def why_none_of(services: Services, names: Iterable[str]) -> str:
    """The same for streams that are asked for by name: where none is of trades nothing is read."""
    if any(map(is_of_trades, names)):
        return why_none(services)
    return "" if services.settings.trades_kept else "TRADES_KEPT is 0"

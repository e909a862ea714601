"""How fresh a market's data is: what the feed last noted of it, and the judgement of that.

Never here: a clock, noting, keeping; who is told.
Invariant: what is not proven fresh is not called fresh; a feed that says nothing is offline.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from truecandle.candles.decimals import is_moment
from truecandle.candles.interval import LAST_MS
from truecandle.errors import CandleError

#: `live`: trades arrive. `quiet`: the connection lives, nothing trades. `stale`: connected, but
#: something known is missing or nothing was heard for too long. `offline`: no connection to the
#: exchange, or no feed.
FreshnessState = Literal["live", "quiet", "stale", "offline"]
STATES: Final[tuple[FreshnessState, ...]] = get_args(FreshnessState)

#: A market whose last trade is younger is live, an older one is quiet.
LIVE_MS: Final = 10_000
#: A connection without event or pong for longer is not known to live.
SILENT_MS: Final = 10_000
#: The feed notes every second; facts older than this mean that it is not there any more.
FEED_MS: Final = 5_000
#: Reasons are cut to so many characters.
REASON_MAX: Final = 120

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What the leading feed noted of a market at `at`. Times are exchange ms, None = not known.

    `heard`: last event of the market's streams. `pong`: last sign of life of their connections.
    `trade`: time of the last trade, and `flowing_since` that of the first one without a pause of
    `LIVE_MS` up to it. `behind`: what is known to be missing or mute, since `behind_since`.
    `lost_since`, `lost_why`: while not connected.
    """

    at: int
    is_connected: bool
    connected_since: int | None = None
    heard: int | None = None
    pong: int | None = None
    trade: int | None = None
    behind: str | None = None
    lost_since: int | None = None
    lost_why: str | None = None
    behind_since: int | None = None
    flowing_since: int | None = None

    def to_json(self) -> str:
        """The JSON object of the store, for `facts_from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Freshness:
    """A market's state, since when (exchange ms; None = not known), and why, in a sentence."""

    state: FreshnessState
    since: int | None
    why: str

    def fields(self) -> dict[str, Any]:
        """As it stands in answers and events."""
        return {"state": self.state, "since": self.since, "why": self.why}


def judge(facts: Facts | None, now_ms: int) -> Freshness:
    """How fresh a market is at exchange time `now_ms`, by the facts last noted of it.

    The first that holds: the feed is not heard from, no connection, something is missing, nothing
    is heard, trades arrive, nothing trades. Facts further ahead of now than the limits allow prove
    nothing. While a state stays and facts only grow, `since` never moves back.
    """
    if facts is None:
        return Freshness("offline", None, "No feed has told anything of this market yet.")
    for found in (_offline(facts, now_ms), _stale(facts, now_ms), _live(facts, now_ms)):
        if found is not None:
            break
    else:
        found = _quiet(facts, now_ms)
    return found if found.since is None else replace(found, since=min(found.since, now_ms))


def facts_from_json(text: bytes | str) -> Facts:
    """Noted facts back; `CandleError` if they are none."""
    try:
        fields = json.loads(text)
        facts = Facts(**fields)
    except (ValueError, RecursionError, TypeError) as error:
        raise CandleError("facts", text, "a JSON object of ours") from error
    times = (facts.connected_since, facts.heard, facts.pong, facts.trade, facts.lost_since,
             facts.behind_since, facts.flowing_since)  # fmt: skip
    if not is_moment(facts.at) or not all(ms is None or is_moment(ms) for ms in times):
        raise CandleError("facts", text, f"times from 0 to {LAST_MS}")
    if not isinstance(facts.is_connected, bool):
        raise CandleError("is_connected", facts.is_connected, "true or false")
    if not all(why is None or isinstance(why, str) for why in (facts.behind, facts.lost_why)):
        raise CandleError("facts", text, "reasons as text")
    return facts


def _offline(facts: Facts, now_ms: int) -> Freshness | None:
    since = facts.at if facts.is_connected else _first(facts.lost_since, facts.at)
    if facts.at - now_ms > FEED_MS:
        ahead_s = (facts.at - now_ms) // 1000
        return Freshness("offline", None, f"The feed's clock is {ahead_s} s ahead of the time.")
    if now_ms - facts.at > FEED_MS:
        why = f"The feed has not been heard from since {_clock(facts.at, now_ms)}."
        return Freshness("offline", since, why)
    if facts.is_connected:
        return None
    if facts.lost_since is None:
        return Freshness("offline", since, _because("Not connected to the exchange yet", facts))
    lost = f"No connection to the exchange since {_clock(facts.lost_since, now_ms)}"
    return Freshness("offline", since, _because(lost, facts))


def _stale(facts: Facts, now_ms: int) -> Freshness | None:
    if facts.behind is not None:
        since = _first(facts.behind_since, facts.trade, facts.connected_since, facts.at)
        return Freshness("stale", since, f"Catching up: {_reason(facts.behind)}.")
    signs = [ms for ms in (facts.heard, facts.pong, facts.connected_since) if ms is not None]
    if any(abs(now_ms - ms) <= SILENT_MS for ms in signs):
        return None
    known = [ms for ms in signs if ms <= now_ms]
    if not known:
        return Freshness("stale", facts.at, "Nothing has come from the exchange yet.")
    why = f"Nothing has come from the exchange since {_clock(max(known), now_ms)}."
    return Freshness("stale", max(known), why)


def _live(facts: Facts, now_ms: int) -> Freshness | None:
    if facts.trade is None or abs(now_ms - facts.trade) >= LIVE_MS:
        return None
    since = max(_first(facts.flowing_since, facts.trade), facts.connected_since or 0)
    return Freshness("live", since, "Trades arrive.")


def _quiet(facts: Facts, now_ms: int) -> Freshness:
    if facts.trade is not None and facts.trade <= now_ms:
        why = f"No trade since {_clock(facts.trade, now_ms)}; the connection is alive."
        return Freshness("quiet", facts.trade, why)
    since = _first(facts.connected_since, facts.at)
    return Freshness("quiet", since, "No trade has come yet; the connection is alive.")


def _because(what: str, facts: Facts) -> str:
    return f"{what}: {_reason(facts.lost_why)}." if facts.lost_why else f"{what}."


def _reason(text: str) -> str:
    return text.strip().rstrip(".")[:REASON_MAX]


def _first(*times: int | None) -> int:
    return next(ms for ms in times if ms is not None)


def _clock(ms: int, now_ms: int) -> str:
    """`14:02:10 UTC`; with its day if that is not today: `21 Nov 23:59:58 UTC`."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    day = "" if ms // _DAY_MS == now_ms // _DAY_MS else f"{moment.day} {moment:%b} "
    return f"{day}{moment:%H:%M:%S} UTC"

"""Settings that roles have to agree on: told in each sign of life, compared by whoever reads it.

Where they differ nothing fails: a stream is silent, or an interval stays empty, and only a look at
both roles would show why.

Never here: settings that a role has for itself, reading them (`config`).
Invariant: what another role says may be anything, or nothing: what is not understood counts as
agreed. A difference that harms nobody is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from redis import Redis

from truecandle.config import Settings
from truecandle.store import roles

#: Under which name a sign of life has them.
FIELD: Final = "settings"
_TRADES: Final = "TRADES_KEPT"
_INTERVALS: Final = "INTERVALS"
_STORED_MAX: Final = "HISTORY_STORED_MAX"

#: What the living processes of each role (`fetcher`, `feed`) say of themselves.
Said = Mapping[str, Sequence[Mapping[str, Any]]]

_FOR_NOBODY: Final = "trades are kept that nobody is given"
_SILENT: Final = "no trades come of the markets that a feed with 0 leads"
_WAITED_FOR: Final = "who scrolls back waits for older candles that do not come"
_REMEDY: Final = "Set it the same for all roles, and start those again that have another"


def told(settings: Settings) -> dict[str, object]:
    """What a role says of its settings, as a part of its sign of life."""
    return {
        FIELD: {
            _TRADES: settings.trades_kept,
            _INTERVALS: list(settings.intervals),
            _STORED_MAX: settings.history_stored_max,
        }
    }


def living(redis: Redis, role: str) -> list[Mapping[str, Any]]:
    """What those of a role say that have given a sign of life of late; raises a `StoreError`."""
    found = roles.each(redis, role).values()
    return [one.detail for one in found if abs(one.age_ms) <= roles.AWAY_MS]


def differences(who: str, own: Settings, said: Said) -> list[str]:
    """For each setting of which `who` has another than fetcher or feed: what differs, what follows
    from it, and what to do."""
    return [
        *_trades(who, own.trades_kept, said),
        *_intervals(who, own.intervals, said),
        *_stored(who, own.history_stored_max, said),
    ]


def trades_kept(said: Mapping[str, Any]) -> int | None:
    """How many trades of a market the feed keeps that says this; None if it does not say."""
    return _whole(said, _TRADES)


def _trades(who: str, own: int, said: Said) -> Iterator[str]:
    found = {kept for one in said.get("feed", ()) if (kept := trades_kept(one)) is not None}
    if any(bool(kept) != bool(own) for kept in found):
        theirs = " and ".join(map(str, sorted(found)))
        what = _SILENT if own else _FOR_NOBODY
        yield f"{_TRADES} is {own} for {who} and {theirs} for the feed: {what}. {_REMEDY}."


def _intervals(who: str, own: Sequence[str], said: Said) -> Iterator[str]:
    for role, kind in (("fetcher", "official"), ("feed", "live")):
        lists = [_told(one, _INTERVALS) for one in said.get(role, ())]
        known = [names for names in lists if isinstance(names, list)]
        if missing := [name for name in own if any(name not in names for names in known)]:
            yield (
                f"{_INTERVALS} has {', '.join(missing)} for {who} and not for the {role}: no {kind}"
                f" candles come there. {_REMEDY}."
            )


def _stored(who: str, own: int, said: Said) -> Iterator[str]:
    numbers = [most for one in said.get("fetcher", ()) if (most := _whole(one, _STORED_MAX))]
    if numbers and (least := min(numbers)) < own:
        what = f"{_STORED_MAX} is {own} for {who} and {least} for the fetcher"
        yield f"{what}: {_WAITED_FOR}. {_REMEDY}."


def _whole(said: Mapping[str, Any], name: str) -> int | None:
    value = _told(said, name)
    return value if type(value) is int else None


def _told(said: Mapping[str, Any], name: str) -> object:
    settings = said.get(FIELD)
    return settings.get(name) if isinstance(settings, dict) else None

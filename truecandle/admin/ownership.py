"""Whose a key is that begins like one of ours: a database may be shared with other applications.

Many of our names are words that anybody may use (`session:`, `user:`, `roles`, `gaps:`), so that
the beginning of a name proves nothing.

Never here: what is wrong with a key, moving one.
Invariant: it only reads; `ours` is said of a series' key or of the identity only where its whole
name, or what is stored of its series, can't be anybody else's. Nothing else is ever moved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, Literal

from redis import Redis

from truecandle.candles.candle import official_from_member
from truecandle.candles.series import Series, parse_series, parse_symbol
from truecandle.errors import CandleError, StoreDamaged
from truecandle.store import inspection, keys, markets, sharing
from truecandle.store.accounts import is_name
from truecandle.store.columns import own_time
from truecandle.store.inspection import Key

#: `taken`: we go by this name, and another application has it. `other`: it does not concern us.
Owner = Literal["ours", "taken", "other"]

_OF_USERS: Final = (
    *("user:", "tokens:", "sessions:", "recovery:", "settings:"),
    *("drawings:", "layouts:", "study_templates:"),
)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
#: As `webhooks.receiver.name_of` makes them.
_RECEIVER: Final = re.compile(r"[0-9a-f]{12}")


class Ownership:
    """Judges the keys of one database; `symbols` are those of the settings."""

    def __init__(self, redis: Redis, symbols: Iterable[str]) -> None:
        self._redis = redis
        self._symbols = {*symbols, *_followed(redis)}
        self._known: dict[str, bool] = {}

    def of(self, key: Key) -> Owner:
        if key.is_series:
            series = series_of(key.tail)
            return "ours" if series and self.knows(series) else "other"
        if key.head == keys.INSTANCE:
            return "ours"
        if key.head not in keys.SINGLE and not _FORMS[key.head](key.tail):
            return "other"
        if key.found == key.expected:
            return "ours"
        return "taken" if key.head in keys.SINGLE or self._is_used(key) else "other"

    def knows(self, series: Series) -> bool:
        """Whether the series is followed, or candles or a meta of ours are stored of it."""
        if series.symbol in self._symbols:
            return True
        if series.name not in self._known:
            self._known[series.name] = self._has_proof(series)
        return self._known[series.name]

    def has_budget(self) -> bool:
        """Whether the exchange can be asked without writing into what others keep."""
        return sharing.is_weight(self._redis) and sharing.is_ban(self._redis)

    def is_alone(self) -> bool:
        """Whether nothing lies on the whole server but what is ours, as far as can be told."""
        if sharing.has_others(self._redis) or not self.has_budget():
            return False
        users, followed = sharing.users(self._redis), _followed(self._redis)
        if not all(users.values()) or len(followed) != sharing.count(self._redis, keys.MARKETS):
            return False
        return all(
            self.of(key) == "ours" and (key.head not in _OF_USERS or key.tail in users)
            for key in inspection.found_keys(self._redis)
        )

    def _has_proof(self, series: Series) -> bool:
        try:
            if inspection.claim(self._redis, series).claimed is not None:
                return True
            page = next(inspection.member_pages(self._redis, series))
        except StoreDamaged:
            return False
        return any(_is_candle(member, score) for member, score in page)

    def _is_used(self, key: Key) -> bool:
        """Whether a key of this name would be read or written by a role."""
        match key.head:
            case head if head in _OF_USERS:
                users = sharing.users(self._redis)
                return key.tail in users and any(users.values())
            case "lease:" | "fence:":
                symbol = key.tail.removeprefix(keys.FEEDS)
                return key.tail == keys.LEADER or symbol in self._symbols
            case "market_answer:" | "agg_trades:":
                return key.tail in self._symbols
        return False


def series_of(tail: str) -> Series | None:
    """The series that the rest of a key's name is; None if it is none."""
    symbol, _, interval = tail.rpartition(":")
    try:
        return parse_series(symbol, interval)
    except CandleError:
        return None


def _followed(redis: Redis) -> list[str]:
    try:
        return [market.symbol for market in markets.followed(redis)]
    except StoreDamaged:
        return []


def _is_candle(member: bytes, score: float) -> bool:
    try:
        return official_from_member(member) is not None and own_time(member) == score
    except CandleError:
        return False


def _is_symbol(text: str) -> bool:
    try:
        return parse_symbol(text) == text
    except CandleError:
        return False


def _is_lease(text: str) -> bool:
    return text == keys.LEADER or (
        text.startswith(keys.FEEDS) and _is_symbol(text.removeprefix(keys.FEEDS))
    )


def _is_digest(text: str) -> bool:
    return bool(_DIGEST.fullmatch(text))


def _is_receiver(text: str) -> bool:
    return bool(_RECEIVER.fullmatch(text))


#: What can follow the beginnings of keys that belong to no series.
_FORMS: Final[dict[str, Callable[[str], bool]]] = {
    **dict.fromkeys(_OF_USERS, is_name),
    "token:": _is_digest,
    "session:": _is_digest,
    "link:": _is_digest,
    "spent_code:": _is_digest,
    "lease:": _is_lease,
    "fence:": _is_lease,
    "market_answer:": _is_symbol,
    "agg_trades:": _is_symbol,
    "webhook_cursors:": _is_receiver,
    "webhook_dead:": _is_receiver,
}

"""The followed markets, as every role goes by them; and wishes for more, with their answers.

Never here: asking the exchange (the fetcher does), settings, waiting.
Invariant: once seeded, at least one market is followed, and `MARKETS_MAX` at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, cast

from redis import Redis

from truecandle.candles.instrument import Instrument, instrument_from_fields
from truecandle.candles.series import parse_symbol
from truecandle.config import SYMBOLS_MAX
from truecandle.errors import CandleError
from truecandle.exact_json import dumps, loads
from truecandle.store import keys, map_redis_errors
from truecandle.store.script import Script

#: Markets followed at once: as many as `SYMBOLS` may name.
MARKETS_MAX: Final = SYMBOLS_MAX
#: Wishes that wait at once; each costs a request.
WISHES_MAX: Final = 20

Change = Literal["added", "known", "full", "quota"]
Removal = Literal["removed", "unknown", "last", "foreign"]

_FOLLOW = Script("follow_markets")
_UNFOLLOW = Script("unfollow_market")


@dataclass(frozen=True, slots=True)
class FollowedMarket:
    """A followed market: what the exchange said of it at `checked_ms` (exchange time, 0: never).

    Markets are in the order of `added_ms`.
    """

    instrument: Instrument
    added_ms: int = 0
    checked_ms: int = 0

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def fields(self) -> dict[str, Any]:
        """By the names of the key and of the REST answers, for JSON."""
        times = {"added_at": self.added_ms, "checked_at": self.checked_ms or None}
        return {**self.instrument.fields, **times}

    def to_json(self) -> str:
        """The JSON object of the key."""
        return dumps(self.fields).decode()


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows or unfollows. `quota`: how many markets of his own he may follow at once, and
    then he may unfollow no others; None: as many as there is room for, and anybody's.
    """

    name: str
    quota: int | None


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The fetcher's answer to a wish: the instrument, or None if the exchange lists no such market.

    `wait_ms`: the exchange could not be asked; worth trying again then.
    """

    instrument: Instrument | None = None
    wait_ms: int = 0


@map_redis_errors()
def followed(redis: Redis, seed: Sequence[str] = ()) -> tuple[FollowedMarket, ...]:
    """The followed markets. Where none ever was, those of `seed` are followed from now on."""
    found = _read(redis.hvals(keys.MARKETS))
    return _seeded(redis, seed) if seed and not found else found


@map_redis_errors()
def instrument(redis: Redis, symbol: str) -> Instrument | None:
    """What is known of one followed market; None if it is not followed."""
    text: Any = redis.hget(keys.MARKETS, symbol)
    market = _parsed(text) if text else None
    return market.instrument if market else None


@map_redis_errors()
def follow(redis: Redis, market: FollowedMarket, by: Follower | None = None) -> Change:
    """Follows one market more; nothing changes if it is followed already, or if there is no room,
    here or in the quota of who asks. It is remembered who did.

    Running twice gives `known` the second time.
    """
    written = _follow(redis, "add", [market], by)
    if written > 0:
        return "added"
    return {0: "known", -1: "full", -2: "quota"}[written]  # type: ignore[return-value]


@map_redis_errors()
def followers(redis: Redis) -> dict[str, str]:
    """By symbol who followed it; the first markets, and those of removed users, are nobody's."""
    found: Any = redis.hgetall(keys.FOLLOWERS)
    return {symbol.decode(): name.decode(errors="replace") for symbol, name in found.items()}


@map_redis_errors()
def update(redis: Redis, markets: Iterable[FollowedMarket]) -> None:
    """What the exchange says of them now; those not followed any more stay so."""
    _follow(redis, "update", list(markets))


@map_redis_errors()
def unfollow(redis: Redis, symbol: str, by: Follower | None = None) -> Removal:
    """Follows one market less; its candles stay. The last one stays followed, and somebody else's
    where who asks has a quota.
    """
    only = by.name if by and by.quota is not None else ""
    removed = cast(int, _UNFOLLOW.run(redis, (keys.MARKETS, keys.FOLLOWERS), (symbol, only)))
    if removed > 0:
        return "removed"
    return {0: "unknown", -1: "last", -2: "foreign"}[removed]  # type: ignore[return-value]


@map_redis_errors()
def request_lookup(redis: Redis, symbol: str) -> bool:
    """Asks the fetcher to look a symbol up; False if too many wishes wait."""
    with redis.pipeline(transaction=True) as pipe:
        pipe.sadd(keys.WISHES, symbol)
        pipe.expire(keys.WISHES, keys.WISHES_TTL_S)
        pipe.scard(keys.WISHES)
        waiting = pipe.execute()[-1]
    if waiting <= WISHES_MAX:
        return True
    redis.srem(keys.WISHES, symbol)
    return False


class Wanted(NamedTuple):
    """What the fetcher is to do: the markets as of `followed`, the symbols to look up, whether
    there are wishes for older candles (`store/history`), and whether somebody looks at the
    exchange's whole list (`store/exchange_list`)."""

    followed: tuple[FollowedMarket, ...]
    wished: list[str]
    is_history_wished: bool
    is_list_asked_for: bool


@map_redis_errors()
def look(redis: Redis, seed: Sequence[str]) -> Wanted:
    """Looks for all of it in one round trip; what is no symbol is dropped."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.hvals(keys.MARKETS)
        pipe.srandmember(keys.WISHES, WISHES_MAX)
        pipe.exists(keys.HISTORY_WISHES)
        pipe.exists(keys.LISTED_ASKED)
        texts, members, is_history_wished, is_list_asked_for = pipe.execute()
    found = _read(texts)
    followed = _seeded(redis, seed) if seed and not found else found
    wished = _symbols(redis, members)
    return Wanted(followed, wished, bool(is_history_wished), bool(is_list_asked_for))


def _symbols(redis: Redis, members: Iterable[bytes] | None) -> list[str]:
    found = []
    for member in members or ():
        try:
            found.append(parse_symbol(member.decode()))
        except (CandleError, ValueError):
            redis.srem(keys.WISHES, member)
    return found


@map_redis_errors()
def answer_lookup(redis: Redis, symbol: str, answer: LookupResult) -> None:
    """Answers a wish, which is one no longer; the answer holds for some seconds."""
    found = answer.instrument
    text = dumps({"listing": found.fields if found else None, "wait_ms": answer.wait_ms})
    with redis.pipeline(transaction=True) as pipe:
        pipe.set(keys.answer(symbol), text, ex=keys.ANSWER_TTL_S)
        pipe.srem(keys.WISHES, symbol)
        pipe.execute()


@map_redis_errors()
def lookup_result(redis: Redis, symbol: str) -> LookupResult | None:
    """The answer to a wish, None while there is none."""
    text: Any = redis.get(keys.answer(symbol))
    try:
        fields = loads(text or b"null")
        found = fields["listing"]
        return LookupResult(
            instrument_from_fields(found) if found else None, int(fields["wait_ms"])
        )
    except (CandleError, ValueError, TypeError, LookupError, AttributeError):
        return None


def _seeded(redis: Redis, seed: Sequence[str]) -> tuple[FollowedMarket, ...]:
    first = [FollowedMarket(Instrument(name), place) for place, name in enumerate(seed)]
    _follow(redis, "seed", first)
    return _read(redis.hvals(keys.MARKETS))


def _read(texts: Any) -> tuple[FollowedMarket, ...]:
    """Junk is left out."""
    found = [market for market in map(_parsed, texts) if market is not None]
    return tuple(sorted(found, key=lambda market: (market.added_ms, market.symbol)))


@lru_cache(2 * MARKETS_MAX)
def _parsed(text: bytes) -> FollowedMarket | None:
    """Every role reads them all again and again, mostly unchanged."""
    try:
        fields = loads(text)
        added_ms, checked_ms = int(fields["added_at"]), int(fields["checked_at"] or 0)
        return FollowedMarket(instrument_from_fields(fields), added_ms, checked_ms)
    except (CandleError, ValueError, TypeError, LookupError, AttributeError):
        return None


def _follow(
    redis: Redis, mode: str, given: Sequence[FollowedMarket], by: Follower | None = None
) -> int:
    pairs = [text for market in given for text in (market.symbol, market.to_json())]
    name, quota = (by.name, by.quota) if by else ("", None)
    limits = (MARKETS_MAX, name, MARKETS_MAX if quota is None else quota)
    return cast(int, _FOLLOW.run(redis, (keys.MARKETS, keys.FOLLOWERS), (mode, *limits, *pairs)))

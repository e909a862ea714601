"""History on demand as the web role and the fetcher share it: wishes for older candles, how far the
fetching of them is, and each market's first candle.

Never here: asking the exchange (the fetcher does), candles themselves, waiting.
Invariant: a wish that nobody renews lapses by itself, by the Redis server's clock; `WISHES_MAX`
stand at once at most.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, cast, get_args

from redis import Redis

from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series, parse_series
from truecandle.errors import CandleError
from truecandle.store import keys, map_redis_errors, official
from truecandle.store.script import Script

#: Series whose older candles are wished for at once; each costs many requests.
WISHES_MAX: Final = 20
#: A wish that ends later than this from now is from before the server's clock was set back.
_UNTIL_MS_MAX: Final = 4 * keys.HISTORY_WISH_MS

#: `waiting`: for its turn, for the series' newest candles, or for request weight. `running`: pages
#: come in. `failed`: the last request brought nothing; it is asked again while somebody waits.
State = Literal["waiting", "running", "failed"]

_WISH = Script("wish_history")


class HistoryWish(NamedTuple):
    """A series whose candles are wished for from a moment on."""

    series: Series
    from_ms: int


@dataclass(frozen=True, slots=True)
class HistoryJob:
    """How far the fetching of a series' older candles is: `fetched` of `expected` candles, the
    oldest of them at `reached_ms`; `detail` is a sentence for people, or empty.
    """

    state: State
    from_ms: int
    reached_ms: int | None = None
    fetched: int = 0
    expected: int = 0
    detail: str = ""

    def to_json(self) -> str:
        """The JSON object of the key and of the REST answer."""
        fields = {
            "state": self.state,
            "from": self.from_ms,
            "reached": self.reached_ms,
            "fetched": self.fetched,
            "expected": self.expected,
            "detail": self.detail,
        }
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """What is stored of a series (with its grid, where that is known): the oldest open time, None
    while there is none, and how many candles; and the market's first one, None while unknown.
    """

    series: Series
    earliest_ms: int | None
    count: int
    first_ms: int | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing older exists."""
        return self.earliest_ms is not None and self.first_ms == self.earliest_ms

    def left(self, from_ms: int, stored_max: int) -> int:
        """How many candles are missing back to `from_ms`, of those that `stored_max` has room for.

        Too many by those that the exchange itself has not got.
        """
        if self.earliest_ms is None:
            return 0
        interval = self.series.interval
        start_ms = interval.open_ms(max(from_ms, self.first_ms or 0))
        missing = interval.count(start_ms, interval.open_ms(self.earliest_ms))
        return min(missing, max(0, stored_max - self.count))

    def is_done(self, from_ms: int, stored_max: int) -> bool:
        """Whether nothing is left to fetch."""
        return self.earliest_ms is not None and not self.left(from_ms, stored_max)


@map_redis_errors()
def wish(redis: Redis, wanted: HistoryWish) -> bool:
    """Asks the fetcher for older candles, back to the furthest wish; False if there is no room."""
    return _wish(redis, wanted.series, str(wanted.from_ms)) > 0


@map_redis_errors()
def renew(redis: Redis, series: Series) -> None:
    """Somebody still waits for the older candles of a series, if they were wished for."""
    _wish(redis, series, "")


@map_redis_errors()
def wishes(redis: Redis) -> list[HistoryWish]:
    """The wishes that stand; what is none of ours is skipped."""
    texts: Any = redis.hgetall(keys.HISTORY_WISHES)
    if not texts:  # as nearly always, and looked for all the time
        return []
    now_ms = _ms(redis.time())
    found = [_parsed_wish(name, text, now_ms) for name, text in texts.items()]
    return [one for one in found if one is not None][:WISHES_MAX]


@map_redis_errors()
def save_job(redis: Redis, series: Series, job: HistoryJob) -> None:
    """Says how far a job is; that holds for `HISTORY_JOB_TTL_S`."""
    redis.set(keys.history_job(series), job.to_json(), ex=keys.HISTORY_JOB_TTL_S)


@map_redis_errors()
def end_job(redis: Redis, series: Series) -> None:
    """A job has ended: there is nothing more to fetch, or nobody waits for it."""
    redis.delete(keys.history_job(series))


@map_redis_errors()
def job(redis: Redis, series: Series) -> HistoryJob | None:
    """How far the job of a series is; None without one."""
    return _parsed_job(redis.get(keys.history_job(series)))


@map_redis_errors()
def keep_first(redis: Redis, series: Series, open_ms: int) -> None:
    """Keeps the open time of the market's first candle at this interval."""
    redis.hset(keys.HISTORY_FIRSTS, series.name, open_ms)


def stored(redis: Redis, series: Series) -> StoredHistory:
    """What is stored, and the first candle; one that is newer than what is stored is not known."""
    series = official.learned(redis, series)
    meta = official.meta(redis, series)
    with map_redis_errors():
        text: Any = redis.hget(keys.HISTORY_FIRSTS, series.name)
    first_ms = int(text) if text and text.isdigit() else None
    if meta.earliest is None or not series.interval.has_grid:
        return StoredHistory(series, None, meta.count, first_ms)
    if first_ms is not None and first_ms > meta.earliest:
        first_ms = None
    return StoredHistory(series, meta.earliest, meta.count, first_ms)


def standing(redis: Redis, series: Series) -> HistoryJob | None:
    """The job of a series for whose older candles somebody waits, taken up by now or not; None if
    nobody does.
    """
    with map_redis_errors(), redis.pipeline(transaction=True) as pipe:
        pipe.hget(keys.HISTORY_WISHES, series.name)
        pipe.time()
        pipe.get(keys.history_job(series))
        wished, time, text = pipe.execute()
    wanted = _parsed_wish(series.name.encode(), wished or b"", _ms(time))
    if wanted is None:
        return None
    return _parsed_job(text) or HistoryJob("waiting", wanted.from_ms)


def _wish(redis: Redis, series: Series, how_far: str) -> int:
    bounds = (keys.HISTORY_WISH_MS, WISHES_MAX, keys.HISTORY_WISHES_TTL_S)
    args = (series.name, how_far, *bounds)
    return cast(int, _WISH.run(redis, (keys.HISTORY_WISHES,), args))


def _ms(time: tuple[int, int]) -> int:
    return int(time[0]) * 1_000 + int(time[1]) // 1_000


def _parsed_wish(name: bytes, text: bytes, now_ms: int) -> HistoryWish | None:
    try:
        fields = json.loads(text)
        from_ms, until_ms = int(fields["from"]), int(fields["until"])
        series = parse_series(*name.decode().rsplit(":", 1))
    except (CandleError, ValueError, TypeError, LookupError, RecursionError):
        return None
    is_standing = now_ms < until_ms <= now_ms + _UNTIL_MS_MAX and 0 <= from_ms <= LAST_MS
    return HistoryWish(series, from_ms) if is_standing else None


def _parsed_job(text: Any) -> HistoryJob | None:
    try:
        fields = json.loads(text or b"null")
        reached, state = fields["reached"], fields["state"]
        counts = int(fields["fetched"]), int(fields["expected"])
        reached_ms = None if reached is None else int(reached)
        found = HistoryJob(state, int(fields["from"]), reached_ms, *counts, str(fields["detail"]))
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return found if state in get_args(State) else None

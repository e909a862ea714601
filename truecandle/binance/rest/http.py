"""HTTP to Binance: one request within weight, pace and deadline, and the answer's outside checked.

Never here: paths and what their answers mean (`client`), Redis, threads, when to ask again.
Invariant: no request leaves while a ban lasts, every request ends by its deadline, and what is no
JSON of Binance's with status 200 becomes one of the `ExchangeError`s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

import requests
import urllib3

from truecandle import __version__
from truecandle.binance.rate_limit import (
    REQUESTS_PER_SECOND,
    RequestPacer,
    WeightBudget,
    date_ms,
    retry_after_ms,
    used_weight,
)
from truecandle.binance.reachability import EVERYTHING, Reachability
from truecandle.binance.rest.deadline import DeadlineAdapter, RequestDeadlines
from truecandle.binance.rest.parsing import parse_error
from truecandle.egress import DIRECTLY, EgressRoute
from truecandle.errors import (
    ExchangeError,
    ExchangeRefused,
    ExchangeUnreachable,
    MalformedAnswer,
    RateLimited,
    StoreError,
)

CONNECT_S = 3.0
#: Between two received bytes; Binance itself gives up after 10 s (-1007).
SILENCE_S = 8.0
#: For one request from beginning to end, however slowly its answer drips.
DEADLINE_S = 12.0
#: 1000 klines are about 180 kB; beyond this it is no answer to anything that we ask.
BODY_BYTES_MAX = 4 * 1024 * 1024
READ_BYTES = 64 * 1024
#: Where an error that comes with status 200 says so: `{"code":-1121,"msg":"Invalid symbol."}`.
ERROR_HEAD_BYTES = 40
#: A full budget is waited for this long; then the caller has better things to do.
WEIGHT_WAIT_MS_MAX = 2_000
#: 451, no service at this place: nobody asks again sooner.
RESTRICTED_MS = 600_000
#: The cheapest request there is: path, weight, parameters.
PROBE: Final[tuple[str, int, Mapping[str, str | int]]] = ("/api/v3/time", 1, {})
#: A path is tried by a request of this weight at most; a heavier one waits for its own next turn.
PROBE_WEIGHT_MAX: Final = 4
#: Connections that are kept, one for each thread that may ask at a time.
CONNECTIONS_KEPT: Final = 40


class HttpAnswer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def date_ms(self) -> int | None:
        """The exchange's time when it made the answer, to the second below; None if untold."""
        return date_ms(self.headers)


class HttpClient:
    """Asks one exchange; may be shared by threads. `close` ends what is under way and what follows.

    `budget` is shared by all processes of this address, and this client leaves `reserve` of it to
    others; `pace` is shared by all clients of this process. `now_ms` is the exchange's clock, as
    well as it is known; `sleep` waits some seconds, or less. `reach` is shared by all clients of
    this process: an answer to one ends the outage for all. `route` is the way to the exchange.
    """

    def __init__(
        self,
        base_url: str,
        budget: WeightBudget,
        *,
        reserve: int = 0,
        pace: RequestPacer | None = None,
        sleep: Callable[[float], object] = time.sleep,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        deadline_s: float = DEADLINE_S,
        reach: Reachability | None = None,
        route: EgressRoute = DIRECTLY,
    ) -> None:
        self.reach = reach or Reachability()
        self._base_url = base_url
        self._budget = budget
        self._reserve = reserve
        self._pace = pace or RequestPacer(REQUESTS_PER_SECOND)
        self._sleep = sleep
        self._now_ms = now_ms
        self._deadline_s = deadline_s
        self._deadlines = RequestDeadlines()
        self._route = route
        self._session = new_session(route)

    def close(self) -> None:
        """Ends every request under way; later ones fail with `ExchangeUnreachable`."""
        self._deadlines.abort_all()
        self._session.close()

    def _get(
        self,
        path: str,
        weight: int,
        asked: Mapping[str, str | int],
        bytes_max: int = BODY_BYTES_MAX,
    ) -> HttpAnswer:
        self._admit(weight)
        try:
            answer = self._exchange(path, asked, bytes_max)
        except ExchangeUnreachable as error:
            error.outage = self.reach.failed(EVERYTHING, partial(self._probe, *PROBE))
            raise
        used = used_weight(answer.headers)
        if used is not None:
            self._budget.report(used, self._now_ms())
        try:
            self._check_status(answer)
            self._check_content(answer)
        except ExchangeUnreachable as error:
            error.outage = self.reach.failed(path, partial(self._probe, path, weight, dict(asked)))
            raise
        except (ExchangeRefused, RateLimited):
            self.reach.answered(path)
            raise
        self.reach.answered(path)
        return answer

    def _probe(self, path: str, weight: int, asked: Mapping[str, str | int]) -> None:
        """Asks for nothing but whether there is an answer."""
        if weight > PROBE_WEIGHT_MAX:
            return
        with suppress(ExchangeError, StoreError):
            self._get(path, weight, asked)

    def _admit(self, weight: int) -> None:
        """Returns when this weight may be used; `RateLimited` where that is not soon."""
        wait_ms = self._budget.take(weight, self._now_ms(), reserve=self._reserve)
        if 0 < wait_ms <= WEIGHT_WAIT_MS_MAX:
            self._sleep(wait_ms / 1000)
            wait_ms = self._budget.take(weight, self._now_ms(), reserve=self._reserve)
        if wait_ms > 0:
            raise RateLimited(wait_ms, status=0)
        self._pace.wait(self._sleep)
        ban_ms = self._budget.banned_until_ms() - self._now_ms()
        if ban_ms > 0:
            raise RateLimited(ban_ms, status=0)

    def _exchange(self, path: str, asked: Mapping[str, str | int], bytes_max: int) -> HttpAnswer:
        with self._deadlines.limit(self._deadline_s) as request:
            try:
                with self._session.get(
                    self._base_url + path,
                    params=asked,
                    timeout=(CONNECT_S, SILENCE_S),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    body = _read(response, bytes_max)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if request.is_aborted:
                    raise ExchangeUnreachable(f"{path}: no whole answer in time") from error
                reason = self._route.blame(reason_of(error))
                raise ExchangeUnreachable(f"{path}: {reason}") from error
        if request.is_aborted:
            raise ExchangeUnreachable(f"{path}: no whole answer in time")
        return HttpAnswer(response.status_code, response.headers, body)

    def _check_status(self, answer: HttpAnswer) -> None:
        status = answer.status
        if status == 407:
            raise ExchangeUnreachable(self._route.blame("HTTP 407, it wants a password"))
        if status in (403, 418, 429):
            now_ms = self._now_ms()
            wait_ms = retry_after_ms(status, answer.headers, answer.body, now_ms)
            self._budget.ban(now_ms + wait_ms)
            raise RateLimited(wait_ms, status)
        if status == 451:
            self._budget.ban(self._now_ms() + RESTRICTED_MS)
        if status >= 500:
            raise ExchangeUnreachable(f"HTTP {status}")
        if status >= 400:
            raise ExchangeRefused(status, *parse_error(answer.body))
        if status != 200:
            raise MalformedAnswer(f"HTTP {status}, not followed")

    def _check_content(self, answer: HttpAnswer) -> None:
        kind = answer.headers.get("Content-Type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise MalformedAnswer(f"expected JSON, got {kind[:40]!r}")
        if b'"code"' in answer.body[:ERROR_HEAD_BYTES]:
            raise ExchangeRefused(answer.status, *parse_error(answer.body))


def new_session(route: EgressRoute) -> requests.Session:
    """A session that goes that way and looks for no other: no `.netrc`, no variables."""
    session = requests.Session()
    session.trust_env = False
    if route.proxy:
        session.proxies = {"http": route.proxy, "https": route.proxy}
    session.verify = route.ca_file or True
    session.headers["User-Agent"] = f"TrueCandle/{__version__}"
    session.headers["Accept"] = "application/json"
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter(pool_maxsize=CONNECTIONS_KEPT, max_retries=0))
    return session


def _read(response: requests.Response, bytes_max: int) -> bytes:
    """The decompressed body, piece by piece, so that a bomb costs no more than one piece."""
    body = bytearray()
    for piece in response.iter_content(READ_BYTES):
        body += piece
        if len(body) > bytes_max:
            raise MalformedAnswer(f"answer of more than {bytes_max} bytes")
    return bytes(body)


def reason_of(error: Exception) -> str:
    """The innermost cause, which is the one that says something, on one line."""
    cause: BaseException = error
    for _ in range(8):
        inner = cause.__cause__ or cause.__context__
        if inner is None:
            break
        cause = inner
    return f"{type(cause).__name__}: {cause}".replace("\n", " ")[:200]

"""The short way to `/data`: before Flask, for readers that were let in a moment ago.

It answers what nothing but the version of the series decides, from the same `ColumnAnswers` as the
view does. Everybody and everything else goes on to Flask; so does whatever can't be answered, which
Flask then says in the words it has for it.

Never here: letting anybody in, making an answer, an error's words.
Invariant: a request is counted, logged and answered as the view would have, by whichever way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from werkzeug.wrappers import Request

from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreError
from truecandle.store.versions import Versions
from truecandle.web import log, read_limit
from truecandle.web.column_answers import PATH, ColumnAnswer, ColumnRequest
from truecandle.web.errors import Problem
from truecandle.web.parameters import single
from truecandle.web.query import PLAIN, parse_data_query
from truecandle.web.read_limit import REFUSED, Refused
from truecandle.web.read_quota import Quota
from truecandle.web.services import Services

#: Where the `Versions` stand that were read for a request before anybody looked who sends it.
VERSIONS: Final = "truecandle.versions"
#: Requests that are remembered as parsed, by their query, and how long that may be.
PARSED_KEPT: Final = 1_000
QUERY_CHARS_MAX: Final = 300

_STATUS: Final = {status: f"{status} {HTTPStatus(status).phrase}" for status in (200, 304)}

Environ = dict[str, Any]


class DataDoor:
    """WSGI middleware around everything that is asked below the page's path."""

    def __init__(self, app: Callable[..., Any], services: Services) -> None:
        self._app = app
        self._services = services
        self._parsed: dict[str, ColumnRequest] = {}

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == PATH and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            began_s = time.perf_counter()
            answer = self._answer(environ)
            if answer is not None:
                return _send(answer, began_s, environ, start_response)
        passed_on: Iterable[bytes] = self._app(environ, start_response)
        return passed_on

    def _answer(self, environ: Environ) -> _Answer | None:
        """None if Flask has to; what it needs for that stands in the environment."""
        quota: Quota | None = None
        try:
            asked = self._asked(environ)
            if asked is None:
                return None
            versions = environ[VERSIONS] = self._services.versions.read(asked.query.series)
            found = self._services.checked_readers.find(environ, versions.credentials)
            if found is None:
                return None
            who = read_limit.reader(found.known, environ)
            quota = read_limit.counted(self._services, who)
            read_limit.check(quota)
            given = self._given(asked, versions, environ, who)
            return _Answer(given, quota, found.user, asked.query.series)
        except (Problem, StoreError) as error:
            environ[REFUSED] = Refused(error, quota)
            return None

    def _given(
        self, asked: ColumnRequest, versions: Versions, environ: Environ, who: str
    ) -> ColumnAnswer:
        answers = self._services.column_answers
        given = answers.ready(asked, versions.series, environ)
        if given is None:
            with read_limit.turn(self._services, who):
                given = answers.make(asked, versions.series, environ)
        return given

    def _asked(self, environ: Environ) -> ColumnRequest | None:
        """What is asked for, if it can be read, is followed, and is official candles alone."""
        text, markets = environ.get("QUERY_STRING", ""), self._services.markets
        if len(text) > QUERY_CHARS_MAX:
            return None
        asked = self._parsed.get(text)
        if asked is None:
            asked = _parsed(environ, self._services)
            if asked is None:
                return None
            if len(self._parsed) >= PARSED_KEPT:
                self._parsed.clear()
            self._parsed[text] = asked
        series = asked.query.series
        is_followed = series.symbol in markets.symbols
        return asked if is_followed and series.interval.name in markets.intervals else None


def _parsed(environ: Environ, services: Services) -> ColumnRequest | None:
    try:
        values = single(Request(environ).args, PLAIN)
        return ColumnRequest(parse_data_query(services.markets, values), values)
    except (CandleError, Problem):
        return None


class _Answer(NamedTuple):
    """What is sent, to whom, and about which series."""

    given: ColumnAnswer
    quota: Quota
    user: str | None
    series: Series


def _send(
    answer: _Answer, began_s: float, environ: Environ, start_response: Any
) -> Iterable[bytes]:
    given, quota, user, series = answer
    headers = [*given.headers, *quota.headers.items()]
    if given.status == HTTPStatus.OK:
        headers.append(("Content-Length", str(len(given.body))))
    method = environ["REQUEST_METHOD"]
    log.tell_route(environ, PATH)
    address, about = environ.get("REMOTE_ADDR"), (series.symbol, series.interval.name)
    asker = log.Asker(address, log.request_id(environ), user, *about)
    log.note(log.Answered(PATH, method, PATH, given.status, began_s), asker)
    start_response(_STATUS[given.status], headers)
    return [given.body] if given.body and method == "GET" else []

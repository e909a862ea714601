"""The short way to `/data`: the same answer by whichever way, never an old one, never for others.

Never here: what `/data` answers (`test_data`), how much is kept (`test_byte_cache`).
Invariant: what comes by the short way is compared, byte by byte, with what Flask says, or with what
is put together here from the rows; `Ways` knows by which way an answer came.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from flask import Flask, request, request_started
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.hourly_candles import note
from tests.support.official_store import wait_for_clock
from tests.support.redis_server import RedisProc
from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    NOW_MS,
    Browser,
    Time,
    build,
    issue,
    said,
    store_hours,
    store_live,
)
from truecandle.candles.series import Series, parse_series
from truecandle.config import Settings
from truecandle.store import backup, keys, official, pages
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import CredentialStore
from truecandle.web.checked_readers import CHECKED_MS

HOURS = "/data?symbol=BTCUSDT&interval=1h"
#: What of an answer differs from request to request.
PASSING = {"ratelimit"}


class Ways:
    """Which requests Flask has seen."""

    def __init__(self, app: Flask) -> None:
        self.seen = 0
        self.client = app.test_client(use_cookies=False)
        self.client.environ_base["HTTP_X_REQUEST_ID"] = "one-and-the-same"
        request_started.connect(self._see, app)

    def _see(self, _: Flask) -> None:
        self.seen += request.path == "/data"

    def short(self, path: str, headers: dict[str, str], method: str = "GET") -> TestResponse:
        """The answer by the short way, which it has to come by."""
        self.client.get(path, headers=headers)
        before = self.seen
        answer = self.client.open(path, method=method, headers=headers)
        assert self.seen == before, f"{answer.status} of Flask: {answer.text[:300]}"
        return answer

    def long(self, path: str, headers: dict[str, str], method: str = "GET") -> TestResponse:
        """The answer of Flask: to somebody who has not been seen before."""
        before = self.seen
        new = headers | {"Cookie": f"nobody={random.random()}"}
        answer = self.client.open(path, method=method, headers=new)
        assert self.seen == before + 1
        return answer


@pytest.fixture
def ways(app: Flask, browser: Browser) -> Ways:
    """`browser` has put the user `ann` and the markets there."""
    return Ways(app)


@pytest.fixture
def token(redis: Redis, browser: Browser) -> dict[str, str]:
    found = issue(redis)
    CredentialStore(redis).begin_version()
    return found


def told(answer: TestResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name.lower(): value for name, value in answer.headers}
    assert len(headers) == len(list(answer.headers)), "no header twice"
    return answer.status_code, {k: v for k, v in headers.items() if k not in PASSING}, answer.data


def stored(redis: Redis, path: str) -> bytes:
    """What `/data` has to say, put together here from the rows as they lie in Redis."""
    asked = dict(parse_qsl(path.partition("?")[2]))
    series = parse_series(asked["symbol"], asked["interval"])
    ends = {f"{name}_ms": int(asked[name]) for name in ("start", "end", "before") if name in asked}
    page = pages.read(redis, series, pages.Query(int(asked.get("limit", 500)), **ends))
    rows = [json.loads(member, parse_float=Exact, parse_int=Exact) for member in page.members]
    rows = [row for row in rows if isinstance(row, list)]
    columns = [[row[field].text for row in rows] for field in range(6)]
    if asked.get("time") != "ms":
        columns[0] = [
            f'"{datetime.fromtimestamp(int(ms) / 1000, UTC):%FT%T.000Z}"' for ms in columns[0]
        ]
    names = ("time", "open", "high", "low", "close", "volume")
    told = "".join(f'"{name}":[{",".join(one)}],' for name, one in zip(names, columns, strict=True))
    return (
        f'{{"symbol":"{series.symbol}","interval":"1h","version":{page.version},'
        f'"count":{len(rows)},{told}"has_more":{json.dumps(page.has_more)}}}'
    ).encode()


class Exact:
    """A number's own text."""

    def __init__(self, text: str) -> None:
        self.text = text


def correct(redis: Redis, open_ms: int, close: str = "1.5", series: Series = HOURLY) -> None:
    row = [open_ms, "1", "2", "1", close, "5", open_ms + HOUR_MS - 1, "1", 1, "1", "1", "0"]
    official.upsert_klines(redis, series, [row], now_ms=FORMING_MS, settle_ms=0)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "coding", ["identity", "gzip", "br", "zstd", "gzip, deflate, br, zstd", ""]
)
def test_both_ways_say_the_same_to_the_byte(
    ways: Ways, redis: Redis, token: dict[str, str], coding: str, method: str
) -> None:
    opens = store_hours(redis, 60)
    for form in (
        *("", "&limit=7", "&time=ms", f"&time=ms&limit=3&start={opens[2]}", f"&end={opens[4]}"),
        *(f"&before={opens[9]}&limit=5", f"&start={opens[3]}&end={opens[6]}", "&limit=60&time=iso"),
    ):
        headers = token | {"Accept-Encoding": coding}
        for tag in (None, '"other"', "*"):
            given = headers | ({"If-None-Match": tag} if tag else {})
            assert told(ways.short(HOURS + form, given, method)) == told(
                ways.long(HOURS + form, given, method)
            ), (form, tag)
        etag = ways.short(HOURS + form, headers).headers["ETag"]
        given = headers | {"If-None-Match": etag}
        short, long = (
            ways.short(HOURS + form, given, method),
            ways.long(HOURS + form, given, method),
        )
        assert told(short) == told(long)
        assert (short.status_code, short.headers["ETag"], short.data) == (304, etag, b"")


def test_a_304_reads_no_row(ways: Ways, redis: Redis, token: dict[str, str]) -> None:
    store_hours(redis, 5)
    etag = ways.short(HOURS, token).headers["ETag"]
    redis.rename(keys.klines(HOURLY), "elsewhere")
    redis.set(keys.klines(HOURLY), "no sorted set: whoever reads a row fails")
    ways.short("/data?symbol=ETHUSDT&interval=1h", token)
    assert ways.short(HOURS, token | {"If-None-Match": etag}).status_code == 304
    others = token | {"If-None-Match": '"none"'}
    assert ways.short(HOURS, others).status_code == 200, "kept"
    assert ways.client.get(f"{HOURS}&limit=2", headers=token).status_code == 500


def test_what_changes_without_the_version_is_never_kept(
    ways: Ways, redis: Redis, token: dict[str, str]
) -> None:
    opens = store_hours(redis, 3)
    redis.zremrangebyscore(keys.klines(HOURLY), opens[1], opens[1])
    ways.short(HOURS, token)
    before, forms = ways.seen, ("&live=1", "&live=1&marks=1")
    for number, form in enumerate([*forms, *forms], 1):
        store_live(redis, FORMING_MS, f"4206{number}", updated_at=NOW_MS + number)
        answer = said(ways.client.get(HOURS + form, headers=token))
        assert answer["live"][0]["close"] == 42060 + number
    assert ways.seen == before + 4
    etag = ways.client.get(f"{HOURS}&marks=1", headers=token).headers["ETag"]
    note(redis, 2, 2)
    given = token | {"If-None-Match": etag}
    marked = ways.client.get(f"{HOURS}&marks=1", headers=given)
    assert (marked.status_code, said(marked)["gaps"][0][0]) == (200, opens[1])


def test_no_answer_is_older_than_the_last_write(
    ways: Ways, redis: Redis, token: dict[str, str]
) -> None:
    """New, corrected, healed, gone with a later change; other series; other forms of one page."""
    opens = store_hours(redis, 30)
    forms = ("", "&limit=5", "&time=ms", f"&limit=4&before={opens[20]}", f"&start={opens[7]}")
    paths = [HOURS + form for form in forms]

    def healed() -> None:
        redis.zadd(keys.klines(HOURLY), {b"junk": opens[12]})
        correct(redis, opens[12], "1.75")

    def gone() -> None:
        redis.zremrangebyscore(keys.klines(HOURLY), opens[21], opens[21])
        official.upsert_klines(redis, HOURLY, [], now_ms=FORMING_MS, settle_ms=0)

    changes: list[Callable[[], object]] = [
        lambda: correct(redis, opens[0]),
        lambda: correct(redis, opens[-1]),
        lambda: correct(redis, opens[-1], "1.25"),
        *(healed, gone),
        lambda: correct(redis, FORMING_MS - 31 * HOUR_MS),
        lambda: correct(redis, opens[21]),
    ]
    for change in changes:
        etags = {path: ways.short(path, token).headers["ETag"] for path in paths}
        change()
        for path in paths:
            answer = ways.short(path, token | {"If-None-Match": etags[path]})
            assert (answer.status_code, answer.data) == (200, stored(redis, path))
            assert ways.long(path, token).data == answer.data
    etag = ways.short(HOURS, token).headers["ETag"]
    store_hours(redis, 4, parse_series("ETHUSDT", "1h"))
    assert ways.short(HOURS, token | {"If-None-Match": etag}).status_code == 304


def test_any_order_of_reads_and_writes_gives_what_is_stored(
    ways: Ways, redis: Redis, token: dict[str, str]
) -> None:
    """400 steps over two series, drawn anew with each run."""
    seed = random.randrange(10**9)
    dice = random.Random(seed)
    series = [HOURLY, parse_series("ETHUSDT", "1h")]
    opens = [FORMING_MS - number * HOUR_MS for number in range(40, 0, -1)]
    for step in range(400):
        one, open_ms = dice.choice(series), dice.choice(opens)
        if dice.random() < 0.3:
            correct(redis, open_ms, f"1.{dice.randrange(1, 9)}", one)
            continue
        path = f"/data?symbol={one.symbol}&interval=1h&limit={dice.choice([1, 3, 40])}"
        path += dice.choice(["", "&time=ms", f"&before={open_ms}", f"&start={open_ms}"])
        answer = ways.client.get(path, headers=token)
        assert answer.data == stored(redis, path), (seed, step, path)
    assert ways.seen < 150, "most came by the short way"


def test_a_store_that_was_put_back_is_not_answered_from_its_future(
    ways: Ways, redis: Redis, token: dict[str, str]
) -> None:
    opens = store_hours(redis, 4)
    old = ways.short(HOURS, token)
    names = (keys.klines(HOURLY), keys.meta(HOURLY))
    dumps = {name: redis.dump(name) for name in names}
    correct(redis, opens[1])
    new = ways.short(HOURS, token)
    assert new.data != old.data
    for name, value in dumps.items():
        redis.restore(name, 0, value, replace=True)  # type: ignore[arg-type]
    assert ways.short(HOURS, token).data == old.data
    wait_for_clock(redis, official.version(redis, HOURLY))
    redis.delete(*names)
    correct(redis, opens[2])
    assert ways.short(HOURS, token).data == stored(redis, HOURS) != new.data


def test_without_a_version_nothing_is_kept(ways: Ways, redis: Redis, token: dict[str, str]) -> None:
    opens = store_hours(redis, 4)
    redis.delete(keys.meta(HOURLY))
    first = ways.short(HOURS, token)
    redis.zremrangebyscore(keys.klines(HOURLY), opens[-1], opens[-1])
    second = ways.short(HOURS, token | {"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, said(second)["count"], said(second)["version"]) == (200, 3, 0)


def enders(redis: Redis, clock: Time) -> dict[str, Callable[[], object]]:
    """All that ends a token, or makes nobody of its user."""
    credentials, accounts = CredentialStore(redis), Accounts(redis)

    def saved_before() -> None:
        kept = [key for key in backup.read(redis) if not key.name.startswith(b"token")]
        backup.put_back(redis, kept)

    def by_hand() -> None:
        for name in redis.scan_iter("token:*"):
            redis.delete(name)
        clock.ms += CHECKED_MS

    return {
        "revoked": lambda: [credentials.revoke(one.id) for one in credentials.tokens()],
        "all of the user's ended": lambda: credentials.end_tokens("ann"),
        "the user removed": lambda: accounts.remove("ann"),
        "a backup from before put back": saved_before,
        "Redis emptied": redis.flushall,
        "deleted by hand, after a second": by_hand,
    }


def test_whoever_was_let_in_is_out_as_soon_as_that_ends(
    ways: Ways, clock: Time, redis: Redis, browser: Browser
) -> None:
    for name, end in enders(redis, clock).items():
        header = issue(redis)
        CredentialStore(redis).begin_version()
        assert ways.short(HOURS, header).status_code == 200
        end()
        answer = ways.client.get(HOURS, headers=header)
        assert (answer.status_code, said(answer)["code"]) == (401, "unauthorized"), name


def test_a_session_is_out_as_soon_as_it_ends(
    app: Flask, clock: Time, redis: Redis, browser: Browser
) -> None:
    ways, accounts, credentials = Ways(app), Accounts(redis), CredentialStore(redis)
    credentials.begin_version()

    def idle() -> None:
        clock.ms += 8 * 86_400_000

    enders: list[Callable[[], object]] = [
        lambda: browser.client.post("/logout", data={"csrf_token": browser.csrf()}),
        lambda: accounts.set_password("ann", "another hash"),
        lambda: credentials.end_sessions("ann", clock.ms),
        lambda: accounts.remove("ann"),
        idle,
    ]
    for end in enders:
        accounts.add("ann", "", NOW_MS, "admin")
        assert browser.post("/login/link", {"link": accounts.add_link("ann")}).status_code == 200
        kept = browser.client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert kept
        cookie = {"Cookie": f"{kept.key}={kept.value}"}
        assert ways.short(HOURS, cookie).status_code == 200
        end()
        assert ways.client.get(HOURS, headers=cookie).status_code == 401
        browser.client.delete_cookie(kept.key)


def test_nobody_comes_in_on_somebody_elses_account(
    ways: Ways, redis: Redis, token: dict[str, str]
) -> None:
    store_hours(redis, 3)
    secret = token["Authorization"].removeprefix("Bearer ")
    assert ways.short(HOURS, token).status_code == 200
    for headers in (
        *({}, {"Authorization": secret}, {"Authorization": f"Basic {secret}"}),
        *({"Cookie": f"Bearer {secret}"}, {"Authorization": f"Bearer {secret}x"}),
        {"Authorization": f"Bearer {secret[:-1]}"},
        {"Cookie": str(token["Authorization"]), "Authorization": ""},
    ):
        assert ways.client.get(HOURS, headers=headers).status_code == 401, headers


def test_a_wrong_token_beside_a_good_cookie_opens_nothing(
    app: Flask, ann: Browser, redis: Redis
) -> None:
    CredentialStore(redis).begin_version()
    assert [ann.get(HOURS).status_code for _ in range(2)] == [200, 200]
    assert ann.get(HOURS, Authorization="Bearer " + "a" * 43).status_code == 401
    assert ann.get(HOURS).status_code == 200


def test_reads_count_by_whichever_way_they_come(
    settings: Settings, redis: Redis, token: dict[str, str]
) -> None:
    store_hours(redis, 3)
    ways = Ways(build(settings, reads_per_minute=6))
    left = []
    for number in range(8):
        answer = (ways.long if number == 3 else ways.client.get)(HOURS, headers=token)
        left.append((answer.status_code, answer.headers["RateLimit"].partition(";t")[0]))
    assert left == [(200, f'"reads";r={n}') for n in range(5, -1, -1)] + [(429, '"reads";r=0')] * 2
    assert ways.seen == 1 + 1 + 2, "the first, the stranger's, and those that are refused"
    assert (said(answer)["code"], "Retry-After" in answer.headers) == ("too-many", True)


def test_strangers_are_counted_by_address_where_reading_is_public(
    settings: Settings, redis: Redis, browser: Browser
) -> None:
    CredentialStore(redis).begin_version()
    ways = Ways(build(settings, public_reads=True, reads_per_minute=3))
    for address in ("198.51.100.1", "198.51.100.2"):
        codes = [
            ways.client.get(HOURS, environ_overrides={"REMOTE_ADDR": address}).status_code
            for _ in range(4)
        ]
        assert codes == [200, 200, 200, 429]
    assert ways.seen == 1 + 2, "the first, and those that are refused"


def test_a_market_that_is_followed_no_more_is_not_answered_for(
    ways: Ways, ann: Browser, redis: Redis, token: dict[str, str]
) -> None:
    store_hours(redis, 3)
    assert ways.short(HOURS, token).status_code == 200
    left = ann.client.delete("/markets/BTCUSDT", headers={"X-CSRFToken": ann.csrf()})
    assert left.status_code == 204
    assert ways.client.get(HOURS, headers=token).status_code == 404


def test_without_redis_both_ways_say_so(settings: Settings, tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server:
        with server.client() as redis:
            header = issue(redis)
            CredentialStore(redis).begin_version()
            store_hours(redis, 3)
        ways = Ways(build(settings, redis_url=server.url))
        assert ways.short(HOURS, header).status_code == 200
        server.kill()
        short = ways.client.get(HOURS, headers=header)
        assert (short.status_code, said(short)["code"]) == (503, "unavailable")
        assert told(short) == told(ways.long(HOURS, header))
        assert ways.client.get(f"{HOURS}&live=1", headers=header).data == short.data


def test_both_ways_are_logged_and_measured_alike(
    ways: Ways, ann: Browser, redis: Redis, token: dict[str, str], printed: io.StringIO
) -> None:
    ways.short(f"{HOURS}&limit=77", token)
    ways.long(f"{HOURS}&limit=77", token)
    lines = [line for line in printed.getvalue().splitlines() if "/data" in line]
    assert len({line.rpartition(" ms ")[0].rpartition(" ")[0] for line in lines}) == 1, lines
    assert len(lines) == 3 and "limit=77" not in printed.getvalue()
    shown = ann.get("/metrics").text
    assert 'truecandle_http_requests_total{route="/data",status="200"}' in shown

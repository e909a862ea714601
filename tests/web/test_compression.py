"""Compressed answers: by what the reader accepts, each under its own ETag, and no secret told.

Never here: the browser's files (`test_assets`), the exchange's list (`test_exchange_markets`).
Invariant: what is unpacked is what an uncompressed answer says.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import requests
from backports import zstd
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.web_app import Browser, store_hours
from tests.support.web_process import HOURS, Web, bearer, token_of
from truecandle.web.csrf import masked, unmasked

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.decompress,
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}
ROWS = 100


def get(browser: Browser, path: str, accepted: str, **headers: str) -> TestResponse:
    return browser.get(path, **{"Accept-Encoding": accepted}, **headers)


@pytest.fixture
def hours(redis: Redis) -> None:
    store_hours(redis, ROWS)


@pytest.mark.parametrize("path", [HOURS, "/", "/?symbol=ETHUSDT"])
@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
def test_what_is_unpacked_is_the_plain_answer(
    ann: Browser, hours: None, path: str, coding: str
) -> None:
    plain, coded = get(ann, path, "identity"), get(ann, path, coding)
    assert "Content-Encoding" not in plain.headers
    assert coded.headers["Content-Encoding"] == coding
    assert int(coded.headers["Content-Length"]) == len(coded.data) < len(plain.data) * 0.6
    assert without_token(UNPACK[coding](coded.data)) == without_token(plain.data)
    for answer in (plain, coded):
        assert "Accept-Encoding" in answer.vary


def without_token(page: bytes) -> bytes:
    return re.sub(rb'(content|value)="[\w=-]{100,}"', b"", page)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("*", "br"),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("deflate, zstd;q=0", None),
        ("nonsense;q=x", None),
        ("", None),
    ],
)
def test_the_reader_says_which_coding(
    ann: Browser, hours: None, accepted: str, coding: str | None
) -> None:
    answer = get(ann, HOURS, accepted)
    assert answer.headers.get("Content-Encoding") == coding
    assert "Accept-Encoding" in answer.vary


def test_a_short_answer_is_left_as_it_is(ann: Browser) -> None:
    answer = get(ann, "/markets", "br")
    assert len(answer.data) < 1_024 and "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.vary


def test_every_coding_has_an_etag_of_its_own_and_gets_its_304(ann: Browser, hours: None) -> None:
    codings = ("zstd", "br", "gzip", "")
    etags = {coding: get(ann, HOURS, coding).headers["ETag"] for coding in codings}
    assert len(set(etags.values())) == 4
    for coding, etag in etags.items():
        again = get(ann, HOURS, coding, **{"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        assert "Accept-Encoding" in again.vary and "Content-Encoding" not in again.headers
        weak = get(ann, HOURS, coding, **{"If-None-Match": f'"old", W/"other:br", {etag}'})
        assert (weak.status_code, weak.headers["ETag"]) == (304, etag)


def test_an_etag_of_other_candles_gets_the_candles(ann: Browser, redis: Redis, hours: None) -> None:
    etag = get(ann, HOURS, "br").headers["ETag"]
    answer = get(ann, f"{HOURS}&limit=50", "br", **{"If-None-Match": etag})
    assert answer.status_code == 200 and answer.headers["ETag"] != etag


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip", "identity"])
def test_head_says_what_get_would(ann: Browser, hours: None, coding: str) -> None:
    whole = get(ann, HOURS, coding)
    head = ann.client.head(HOURS, headers={"Accept-Encoding": coding})
    assert head.data == b""
    for name in ("ETag", "Content-Length", "Content-Type", "Vary"):
        assert head.headers[name] == whole.headers[name]
    assert head.headers.get("Content-Encoding") == whole.headers.get("Content-Encoding")


def test_the_browsers_files_are_not_compressed_again(ann: Browser) -> None:
    page = get(ann, "/", "identity").text
    path = re.search(r'<script type="module" src="([^"]+)"', page)
    assert path
    answer = get(ann, path[1], "br")
    assert answer.headers["Content-Encoding"] == "br" and answer.headers["ETag"].endswith('-br"')
    brotli.decompress(answer.data)


def test_a_page_that_repeats_somebody_elses_guess_is_not_shorter_for_it(browser: Browser) -> None:
    """The CSRF token differs on every page, wholly, and holds for the session all the same."""
    tokens = [browser.csrf() for _ in range(20)]
    plain = {unmasked(token) for token in tokens}
    assert len({token[:8] for token in tokens}) == len({token[-8:] for token in tokens}) == 20
    assert len({token.partition(".")[0] for token in plain}) == 1, "one secret for the session"
    secret = plain.pop().partition(".")[0]
    sizes = []
    for guess in (secret, "".join(reversed(secret))):
        pages = [browser.get(f"/login?next=/{guess}").data for _ in range(50)]
        sizes.append(sum(len(zlib.compress(page, 6)) for page in pages) / len(pages))
    assert abs(sizes[0] - sizes[1]) < 5, "as good as equal; repeated, it would be 30 bytes shorter"


@pytest.mark.parametrize("sent", ["", "none", "é" * 20, "A" * 5_000, "%%%%", "IjEi.abc.def"])
def test_what_is_no_masked_token_is_no_token(ann: Browser, sent: str) -> None:
    answer = ann.client.post(
        "/logout", data={"csrf_token": sent}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 403
    bare = unmasked(ann.csrf())
    assert unmasked(masked(bare)) == bare
    assert ann.client.post("/logout", data={"csrf_token": bare}).status_code == 403
    assert ann.get("/settings").status_code == 200


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_every_way_of_serving_sends_it_compressed(
    redis_server: RedisProc, redis: Redis, processes: Roles, tmp_path: Path, mode: str
) -> None:
    store_hours(redis, ROWS)
    web = Web(processes, redis_server.url, tmp_path, ASYNC_MODE=mode)
    headers = bearer(token_of(redis))
    for coding in ("zstd", "br", "gzip"):
        with requests.get(
            web.url + HOURS, headers={**headers, "Accept-Encoding": coding}, stream=True, timeout=20
        ) as answer:
            assert answer.headers["Content-Encoding"] == coding
            body = UNPACK[coding](answer.raw.read())
        etag = answer.headers["ETag"]
        assert body == web.get(HOURS, headers={**headers, "Accept-Encoding": "identity"}).content
        asked = {**headers, "Accept-Encoding": coding, "If-None-Match": etag}
        assert web.get(HOURS, headers=asked).status_code == 304


def test_an_app_compresses_no_error_of_few_bytes(app: Flask) -> None:
    answer = app.test_client().get("/data", headers={"Accept-Encoding": "br"})
    assert (answer.status_code, answer.headers.get("Content-Encoding")) == (401, None)

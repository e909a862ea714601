"""The browser's files over HTTP: compressed as asked, kept for ever, and only those.

Never here: how they are made (`tests/house/test_setup.py`), what they do.
Invariant: the files are those of `make setup`, read beside the server for comparison.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from flask import Flask

from tests.support.web_app import Browser
from tools.assets import SUFFIXES, TARGET
from truecandle.web.assets import Assets, AssetsMissing

MANIFEST = json.loads((TARGET / "manifest.json").read_text())
CHART = MANIFEST["assets"]["chart.js"]
CODINGS = [
    ("", ""), ("identity", ""), ("gzip", "gzip"), ("br", "br"), ("gzip, deflate, br, zstd", "br"),
    ("br;q=0, gzip", "gzip"), ("br;q=0, gzip;q=0", ""), ("zstd", ""), ("*", "br"),
]  # fmt: skip


def body(name: str, coding: str = "") -> bytes:
    return (TARGET / (name + SUFFIXES.get(coding, ""))).read_bytes()


@pytest.mark.parametrize(("accepted", "coding"), CODINGS)
def test_a_file_comes_as_the_browser_can_read_it(app: Flask, accepted: str, coding: str) -> None:
    answer = app.test_client().get(f"/static/{CHART}", headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    assert answer.headers.get("Content-Encoding", "") == coding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.data == body(CHART, coding)
    assert answer.content_length == len(answer.data)


def test_the_compressed_twins_hold_the_same(app: Flask) -> None:
    for name, entry in MANIFEST["files"].items():
        if "gzip" in entry["encodings"]:
            assert gzip.decompress(body(name, "gzip")) == body(name)
    assert len(body(CHART, "br")) < len(body(CHART, "gzip")) < len(body(CHART)) / 2


def test_every_file_is_kept_for_a_year_and_never_asked_for_again(app: Flask) -> None:
    client = app.test_client()
    for name in MANIFEST["files"]:
        answer = client.get(f"/static/{name}")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in answer.headers


def test_whoever_asks_again_all_the_same_is_told_that_nothing_changed(app: Flask) -> None:
    client, etags = app.test_client(), set()
    for coding in ("br", "gzip", ""):
        first = client.get(f"/static/{CHART}", headers={"Accept-Encoding": coding})
        asked = {"Accept-Encoding": coding, "If-None-Match": first.headers["ETag"]}
        again = client.get(f"/static/{CHART}", headers=asked)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"].endswith("immutable")
        etags.add(first.headers["ETag"])
    assert len(etags) == 3


def test_head_says_what_get_would(app: Flask) -> None:
    client, asked = app.test_client(), {"Accept-Encoding": "gzip"}
    head = client.head(f"/static/{CHART}", headers=asked)
    assert (head.status_code, head.data) == (200, b"")
    got = client.get(f"/static/{CHART}", headers=asked)
    for answer in (head, got):
        del answer.headers["X-Request-ID"]
    assert dict(head.headers) == dict(got.headers)


def test_a_part_of_a_file_is_a_part_of_what_was_chosen(app: Flask) -> None:
    client = app.test_client()
    for coding in ("", "gzip"):
        asked = {"Accept-Encoding": coding, "Range": "bytes=10-19"}
        answer = client.get(f"/static/{CHART}", headers=asked)
        assert (answer.status_code, answer.data) == (206, body(CHART, coding)[10:20])
    beyond = client.get(f"/static/{CHART}", headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416


def test_nothing_else_in_the_folder_is_served(app: Flask) -> None:
    client = app.test_client()
    for path in TARGET.iterdir():
        status = client.get(f"/static/{path.name}").status_code
        assert status == (200 if path.name in MANIFEST["files"] else 404), path.name


def test_the_pages_name_only_files_that_are_there(app: Flask, browser: Browser) -> None:
    for path in ("/login", "/nothing"):
        page = browser.get(path, Accept="text/html")
        named = re.findall(r'(?:src|href)="(/static/[^"]*)"', page.text)
        assert named
        assert {browser.get(name).status_code for name in named} == {200}
        assert page.headers["Cache-Control"] == "no-store" or page.status_code == 404


def test_what_the_page_needs_at_once_is_in_one_file_and_what_comes_later_in_others(
    ann: Browser,
) -> None:
    page = ann.get("/").text
    assert re.findall(r'type="module" src="/static/([^"]*)"', page) == [CHART]
    script = body(CHART).decode()
    assert not re.findall(r'(?:from|import)\s*"\./', script)
    assert {f"./{name}" for name in re.findall(r'import\("\./([^"]+)"\)', script)} <= {
        f"./{name}" for name in MANIFEST["files"]
    }


def test_files_that_were_made_anew_are_served_without_a_restart(tmp_path: Path) -> None:
    assets = Assets(tmp_path)
    with pytest.raises(AssetsMissing, match="make setup"):
        assets.url("chart.js")
    for number in (1, 2):
        (tmp_path / f"chart-{number}.js").write_text(f"// {number}")
        files = {f"chart-{number}.js": {"type": "text/javascript", "sha256": "", "encodings": []}}
        manifest = {"inputs": "", "assets": {"chart.js": f"chart-{number}.js"}, "files": files}
        (tmp_path / f"part-{number}").write_text(json.dumps(manifest))
        (tmp_path / f"part-{number}").replace(tmp_path / "manifest.json")
        assert assets.url("chart.js") == f"/static/chart-{number}.js"
        found = assets.find(f"chart-{number}.js")
        assert found and found.bodies == {"": f"// {number}".encode()}
    assert assets.find("chart-1.js") is None


def test_without_its_files_a_page_says_so_and_an_error_needs_none(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(app.extensions, "truecandle.assets", Assets(tmp_path))
    assert browser.get("/nothing", Accept="text/html").status_code == 404
    assert browser.get(f"/static/{CHART}").status_code == 500

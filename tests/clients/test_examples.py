"""The examples of `docs/clients.md` and the notebook run as they stand, against a server.

Never here: what the client promises in detail (`test_python_client`); Grafana itself.
Invariant: no example is left out.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from redis import Redis

from tests.support.browser_code import node
from tests.support.project_files import ROOT
from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, store_hours
from tests.support.web_process import Web, bearer, token_of
from truecandle.candles.gap import Verdict, hole_of
from truecandle.candles.gap_registry import GapRegistry
from truecandle.store import gaps

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE = ROOT / "docs" / "clients.md"
NOTEBOOK = ROOT / "docs" / "examples" / "candles.ipynb"
EXAMPLES = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
#: The bound of one example; what is waited for ends long before.
LONG_S = 60
LAST = "42050.01"


def examples(language: str) -> list[str]:
    return [text for name, text in EXAMPLES if name == language]


@pytest.fixture
def token(redis: Redis) -> str:
    """Of a user who may read 24 hours of candles, the last of which is the newest."""
    store_hours(redis, 24)
    return token_of(redis)


def test_there_is_no_other_kind_of_example() -> None:
    assert {name for name, _ in EXAMPLES} == {"python", "js", "sh", "json"}


def test_the_python_examples_say_what_they_should(
    web: Web, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for text in examples("python"):
        exec(compile(text, PAGE.name, "exec"), {"URL": web.url, "TOKEN": token})
        told.append(capsys.readouterr().out)
    pandas, polars, client, loop = told
    assert "2024-01-01 16:00:00+00:00    42050.01" in pandas
    assert "42050.010000000000000000" in polars and "296.29608" in polars
    assert client.splitlines() == [
        f"20 candles, the last closed at {LAST}",
        "unchanged: True",
        "unknown-market",
        f"2024-01-01 19:00:00+00:00 official {LAST}",
    ]
    assert loop.splitlines() == ["(24, 11)", f"official {LAST}"]


def test_the_same_javascript_runs_in_node_and_in_a_browser(
    web: Web, token: str, page: Page
) -> None:
    [text] = examples("js")
    given = f"const SERVER = {json.dumps(web.url)}, TOKEN = {json.dumps(token)};\n{text}"
    command = [node(), "--input-type=module", "--eval", given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=False)
    expected = f"20 candles, the last closed at {LAST}"
    assert done.stdout.strip() == expected, done.stderr
    page.goto(f"{web.url}/docs")
    with page.expect_console_message(timeout=LONG_S * 1000) as told:
        page.evaluate(f"async () => {{ {given} }}")
    assert told.value.text == expected


def test_the_shell_example_keeps_what_has_not_changed(web: Web, token: str, tmp_path: Path) -> None:
    [text] = examples("sh")
    env = os.environ | {"URL": web.url, "TOKEN": token}
    kept = []
    for _ in range(2):
        done = subprocess.run(
            ["sh", "-ec", text],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=LONG_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines[0] == "time,close" and lines[3] == f"2024-01-01T19:00:00.000Z,{LAST}"
        assert lines[4].startswith("2024-01-01T19:00:00.000Z,42000.1,")
        kept.append((tmp_path / "hours.csv").stat().st_mtime_ns)
    assert kept[0] == kept[1], "a 304 leaves the file alone"


def test_the_notebook_runs_cell_by_cell_and_holds_no_output(
    web: Web, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    monkeypatch.setenv("URL", web.url)
    monkeypatch.setenv("TOKEN", token)
    names: dict[str, Any] = {}
    for cell in cells:
        exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)
    assert names["exact"]["close"].iloc[-1] == Decimal(LAST)
    assert len(names["frame"]) == 20 and names["frame"]["mean"].notna().sum() == 16
    assert names["newest"] is None


def test_grafanas_queries_find_their_columns(web: Web, token: str, redis: Redis) -> None:
    """The addresses and selectors as they stand, macros put in as Infinity does (ms)."""
    since_ms = FORMING_MS - 30 * HOUR_MS
    hole = hole_of(HOURLY.interval, since_ms, since_ms + HOUR_MS)
    told = [Verdict(hole, "maintenance", "both neighbours and nothing between")]
    registry = GapRegistry()
    known = registry.note(HOURLY.interval, since_ms, since_ms + HOUR_MS, told, FORMING_MS)
    gaps.save(redis, HOURLY, registry, known)
    candles, missing = (json.loads(text) for text in examples("json"))
    answers = []
    for query in (candles, missing):
        path = query["url"].replace("${__timeFrom}", str(since_ms))
        path = path.replace("${__timeTo}", str(FORMING_MS))
        answers.append(requests.get(web.url + path, headers=bearer(token), timeout=20))
    rows = list(csv.DictReader(answers[0].text.splitlines()))
    assert len(rows) == 24 and candles["root_selector"] == ""
    for column in candles["columns"]:
        read = datetime.fromisoformat if column["type"] == "timestamp" else Decimal
        assert all(read(row[column["selector"]]) for row in rows)
    found = answers[1].json()[missing["root_selector"].removeprefix("$.")]
    assert len(found) == 1
    kinds = {"timestamp_epoch": int, "number": int, "string": str}
    for column in missing["columns"]:
        assert isinstance(found[0][column["selector"]], kinds[column["type"]])

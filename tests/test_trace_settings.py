"""Settings of tracing: where spans go, how many there are, and what is said without the library.

Never here: sending them (`tests/tracing`).
Invariant: no refusal quotes an address or a header.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.project_files import ROOT
from truecandle.config import list_settings, read_settings
from truecandle.errors import SettingsError

URL = "http://127.0.0.1:4318"
#: Of the library: what makes spans, and what sends them.
PARTS = ("opentelemetry.sdk.trace", "opentelemetry.exporter")


def test_an_address_without_a_path_means_where_traces_are_taken() -> None:
    assert read_settings({"TRACES_URL": f"{URL}/"}).traces_url == f"{URL}/v1/traces"
    assert read_settings({"TRACES_URL": f"{URL}/a/b"}).traces_url == f"{URL}/a/b"
    assert read_settings({}).traces_url == ""


def test_headers_are_read_and_never_shown() -> None:
    given = {"TRACES_HEADERS": "Authorization=Basic%20S3cret, X-Scope=1"}
    found = read_settings(given)
    assert found.traces_headers == (("Authorization", "Basic S3cret"), ("X-Scope", "1"))
    shown = {one.name: one.shown for one in list_settings(given)}
    assert shown["TRACES_HEADERS"] == "Authorization=***,X-Scope=***"
    assert "S3cret" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACES_URL", "grpc://S3cret:4317"), ("TRACES_URL", "http://ann:S3cret@host"),
        ("TRACES_HEADERS", "S3cret"), ("TRACES_HEADERS", "a=S3cret%0d%0aB: c"),
        ("TRACES_HEADERS", "a=S3cret,A=2"), ("TRACES_HEADERS", "="),
        ("TRACES_SAMPLE", "1.5"), ("TRACES_SAMPLE", "-0.1"), ("TRACES_SAMPLE", "1e-2"),
        ("TRACES_SAMPLE", "nan"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    said = str(caught.value)
    assert said.startswith(f"{name}=") and "allowed" in said and "S3cret" not in said


@pytest.mark.parametrize(("text", "share"), [("0", 0.0), ("1", 1.0), (".5", 0.5), ("0.01", 0.01)])
def test_a_share_is_a_decimal_from_nothing_to_all(text: str, share: float) -> None:
    assert read_settings({"TRACES_SAMPLE": text}).traces_sample == share


def test_without_the_library_a_role_says_what_to_install() -> None:
    hidden = "import runpy, sys; sys.modules['opentelemetry'] = None; "
    code = hidden + "runpy.run_path('live_candles.py', {}, '__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"TRACES_URL": URL},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("TRACES_URL=") and "requirements-traces.txt" in line


def test_nobody_imports_the_library_unless_traces_are_wanted() -> None:
    """But for its metrics, which redis-py looks for."""
    modules = "app, background_fetcher, live_candles"
    code = f"import sys, {modules}; print([m for m in {PARTS} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.stdout == "[]\n", done.stderr

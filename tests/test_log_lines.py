"""The log as JSON: an object a line, whatever is in it.

Never here: lines as text (`tests/web/test_log.py`), what is logged.
Invariant: a line is read as a collector would read it.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from truecandle import log_lines
from truecandle.candles.series import parse_series
from truecandle.log_lines import FIELDS

LINE_BYTES_MAX = 30_000


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = root.handlers[:], root.level
    log_lines.set_up("json", "feed", lambda: {"request_id": "abc", "user": None})
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(text := io.StringIO())
    yield text
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks


def lines(printed: io.StringIO) -> list[dict[str, Any]]:
    said = printed.getvalue().splitlines()
    assert all(len(line) < LINE_BYTES_MAX for line in said)
    return [json.loads(line) for line in said]


def test_a_line_has_time_level_role_logger_message_and_what_is_known(
    printed: io.StringIO,
) -> None:
    log = logging.getLogger("truecandle.some")
    log.warning("%s: %d rows", parse_series("BTCUSDT", "1h"), 3, extra={FIELDS: {"took_ms": 1.5}})
    log_lines.say("listening")
    first, second = lines(printed)
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "WARNING", "role": "feed", "logger": "truecandle.some",
        "message": "BTCUSDT:1h: 3 rows", "symbol": "BTCUSDT", "interval": "1h",
        "request_id": "abc", "took_ms": 1.5,
    }  # fmt: skip
    assert (second["message"], second["level"]) == ("listening", "INFO")


def test_whatever_is_said_stays_one_line_of_bounded_length(
    printed: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control characters, half a character, endless text, and a deep traceback of such."""
    root = logging.getLogger()
    # pytest's own handlers, which come after ours, cannot pass half a character on.
    monkeypatch.setattr(root, "handlers", root.handlers[:1])

    def deep(left: int) -> None:
        if not left:
            raise ValueError("\x1b\n" + "\x1b" * 100_000)
        deep(left - 1)

    try:
        deep(300)
    except ValueError:
        fields = {"path": "/\x1b\udcff" * 1_000}
        root.exception("\x1b[31m\n\u2028\udcff" * 1_000, extra={FIELDS: fields})
    (line,) = lines(printed)
    assert line["error"] == "ValueError"
    assert "ValueError" in line["traceback"]
    assert not any(c in line["message"] + line["path"] for c in "\x1b\n\u2028")


def test_what_nobody_has_caught_is_a_line_too(printed: io.StringIO) -> None:
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    (line,) = lines(printed)
    assert (line["level"], line["error"]) == ("CRITICAL", "ZeroDivisionError")

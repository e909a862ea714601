"""The lines of the log: text for people, or JSON for machines, as the setting says.

Never here: what is logged, and where; what a request knows of itself (`web/log` hands that in).
Invariant: an event is one line of bounded length (in text a traceback adds its own, marked), in
UTC, and whatever somebody sent, it cannot begin another one or colour a terminal.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import orjson

from truecandle.candles.series import Series

#: One line of text, and the lines of one traceback (its last ones, which name the error).
LINE_CHARS_MAX: Final = 2_000
TRACEBACK_LINES_MAX: Final = 100
#: A traceback in JSON (its end), which is one line with everything else.
TRACEBACK_CHARS_MAX: Final = 8_000
#: One of the further fields of a line in JSON.
FIELD_CHARS_MAX: Final = 200
#: The attribute of a record that holds its further fields: `log.info(..., extra={FIELDS: {...}})`.
FIELDS: Final = "fields"

#: What moves the cursor, colours, begins a line, or turns the direction of writing.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: Libraries that have much to say of each message.
_CHATTY: Final = ("engineio", "socketio", "flask-limiter", "limits")

Fields = Mapping[str, str | int | float | None]
Context = Callable[[], Fields]


class TextLines(logging.Formatter):
    """Escapes control characters in messages; a traceback keeps its own lines, indented."""

    def __init__(self, text: str = "%(asctime)s %(levelname)s %(name)s: %(message)s") -> None:
        super().__init__(text)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _time(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = bounded(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        return "\n".join(f"  | {line}" for line in _traceback(super().formatException(ei)))  # type: ignore[arg-type]


class JsonLines(logging.Formatter):
    """A JSON object a line: time, level, role, logger, message, then what else is known.

    `context` gives what is known at the moment, such as the request that is being answered.
    """

    def __init__(self, role: str, context: Context) -> None:
        super().__init__()
        self._role = role
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "role": self._role,
            "logger": record.name,
            "message": bounded(record.getMessage()),
        }
        fields = {**_market(record), **self._context(), **getattr(record, FIELDS, {})}
        line |= {name: _field(value) for name, value in fields.items() if value is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            told = "\n".join(_traceback(self.formatException(record.exc_info)))
            line["traceback"] = told[-TRACEBACK_CHARS_MAX:]
        return orjson.dumps(line).decode()


def set_up(log_format: str, role: str, context: Context = dict) -> None:
    """Everything to stderr, one line an event, `text` or `json`; also what nobody has caught."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(role, context) if log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(
        told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
    )


def say(text: str) -> None:
    """What a role tells whoever started it: a line of its own, or one of the log where programs
    read that."""
    handlers = logging.getLogger().handlers
    if any(isinstance(one.formatter, JsonLines) for one in handlers):
        logging.getLogger("truecandle").info("%s", text)
    else:
        print(text, flush=True)


def bounded(text: str) -> str:
    """One line: escaped, and cut where it grows too long."""
    line = escaped(text[: LINE_CHARS_MAX + 1])
    return line if len(line) <= LINE_CHARS_MAX else line[: LINE_CHARS_MAX - 1] + "…"


def escaped(text: str) -> str:
    """Printable, and text that can be written: half a character is none."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), whole)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(text: str) -> list[str]:
    return [bounded(line) for line in text.splitlines()[-TRACEBACK_LINES_MAX:]]


def _market(record: logging.LogRecord) -> Fields:
    """The series that a message is about: it is one of the values in it."""
    given = record.args if isinstance(record.args, tuple) else ()
    series = next((one for one in given if isinstance(one, Series)), None)
    return {"symbol": series.symbol, "interval": series.interval.name} if series else {}


def _field(value: object) -> object:
    return escaped(value[:FIELD_CHARS_MAX]) if isinstance(value, str) else value


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """What ends a thread or the process; asking it to end is no error."""
    if issubclass(kind, SystemExit | KeyboardInterrupt):
        return
    logging.getLogger("truecandle").critical("ended by an error", exc_info=(kind, error, traceback))

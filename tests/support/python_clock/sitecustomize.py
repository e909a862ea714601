"""Sets the time of day of the Python process that finds this on its path, as `MACHINE_CLOCK` says.

Never here: the monotonic clock; anything but the standard library.
Invariant: what the file holds (seconds, with a sign) counts from the moment it is written.

libfaketime would do the same for any program, but Python sleeps until absolute moments, and it lets
some of these sleeps fail.
"""

import datetime
import os
import time
from typing import Any

_PATH = os.environ["MACHINE_CLOCK"]
_real_ns = time.time_ns
_real_datetime = datetime.datetime


def _time_ns() -> int:
    with open(_PATH, encoding="ascii") as file:
        return _real_ns() + int(float(file.read()) * 1e9)


def _time() -> float:
    return _time_ns() / 1e9


class _AnyDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _real_datetime)


class _Datetime(_real_datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls.fromtimestamp(_time(), tz)


time.time_ns = _time_ns
time.time = _time
datetime.datetime = _Datetime  # type: ignore[misc]

"""Settings of tracing, read: where spans are sent, and which share of everything is traced.

Never here: sending them (`tracing`), the environment.
Invariant: an address that can be read stands for a library that is there.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Final

from truecandle.urls import path_of, service_url

#: Where a collector takes traces, if the address names no path: as OTLP has it.
TRACES_PATH: Final = "/v1/traces"
LIBRARY: Final = "opentelemetry.exporter.otlp.proto.http"
MISSING: Final = (
    "it needs OpenTelemetry, which is not installed; allowed once it is: "
    ".venv/bin/pip install -r requirements-traces.txt"
)

_SHARE: Final = re.compile(r"[01]|0?\.[0-9]{1,6}|1\.0{1,6}")
_collector_url: Final = service_url("http", "https", has_path=True)


def traces_url(text: str) -> str:
    """Where spans are sent. Raises a `ValueError`, also where nothing is installed to send them."""
    url = _collector_url(text)
    if not is_installed():
        raise ValueError(MISSING)
    return url if path_of(url) else f"{url}{TRACES_PATH}"


def is_installed() -> bool:
    """Whether the library is there, without importing it."""
    try:
        return find_spec(LIBRARY) is not None
    except (ImportError, ValueError):
        return False


def share(text: str) -> float:
    """A share from 0 to 1. Raises a `ValueError`."""
    if not _SHARE.fullmatch(text):
        raise ValueError("allowed: a share from 0 to 1, with a point, as 0.01")
    return float(text)

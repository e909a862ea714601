"""Binance's public archives of klines: fetches a zip, checks it, reads its rows.

Never here: Redis, which file is worth fetching, what to do with rows.
Invariant: no row is read from a zip that does not have the SHA-256 that Binance publishes for it.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Final
from urllib.parse import quote

import requests
import urllib3

from truecandle.binance.rest.deadline import RequestDeadlines
from truecandle.binance.rest.http import CONNECT_S, SILENCE_S, new_session, reason_of
from truecandle.egress import DIRECTLY, EgressRoute
from truecandle.errors import ExchangeRefused, ExchangeUnreachable, MalformedAnswer

#: For one zip from beginning to end. A month of 1s candles is about 100 MB.
DEADLINE_S: Final = 600.0
ZIP_BYTES_MAX: Final = 400 * 1024 * 1024
CSV_BYTES_MAX: Final = 1024 * 1024 * 1024
CHECKSUM_BYTES_MAX: Final = 1_000
READ_BYTES: Final = 256 * 1024

#: There are no daily files of these.
MONTHLY_ONLY: Final = ("3d", "1w", "1M")
#: Spot archives count in µs since 2025; a time above this is no time in ms.
_MICROSECONDS_FROM: Final = 10**14
_SHA256: Final = re.compile(r"([0-9a-f]{64})\s+\*?(\S+)\s*")
#: Of the 12 fields: open time, close time, trades.
_INTEGERS: Final = (0, 6, 8)


@dataclass(frozen=True, slots=True)
class File:
    """One archive: the candles that open in [start_ms, end_ms), `day` being 2024-10 or 2024-10-28.

    Source: binance-public-data. A month as an interval is spelled `1mo`.
    """

    symbol: str
    interval: str
    day: str
    start_ms: int
    end_ms: int

    @property
    def is_monthly(self) -> bool:
        return len(self.day) == len("2024-10")

    @property
    def name(self) -> str:
        return f"{self.symbol}-{folder(self.interval)}-{self.day}.zip"

    @property
    def path(self) -> str:
        """Below the archives' address."""
        span = "monthly" if self.is_monthly else "daily"
        parts = ("data", "spot", span, "klines", self.symbol, folder(self.interval), self.name)
        return "/" + "/".join(quote(part) for part in parts)


def folder(interval: str) -> str:
    """An interval where case may be folded: `1mo` for `1M`."""
    return "1mo" if interval == "1M" else interval


class Archive:
    """The archives at one address. Nothing here has a request weight."""

    def __init__(self, base_url: str, route: EgressRoute = DIRECTLY) -> None:
        self._base_url = base_url
        self._deadlines = RequestDeadlines()
        self._route = route
        self._session = new_session(route)
        self._session.headers["Accept"] = "*/*"
        #: Requests so far.
        self.asked = 0

    def fetch(self, file: File, into: Path) -> Path | None:
        """The checked zip in the folder `into`; None if there is no such archive.

        One that is there already is checked, not fetched again. Raises `MalformedAnswer` when it
        is not what its checksum says, and the other `ExchangeError`s of a failed request.
        """
        text = bytearray()
        if not self._get(f"{file.path}.CHECKSUM", text.extend, CHECKSUM_BYTES_MAX):
            return None
        expected = _checksum(bytes(text), file)
        path = into / file.name
        if path.exists() and _digest(path) == expected:
            return path
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            if not self._get(file.path, out.write, ZIP_BYTES_MAX):
                return None
        if _digest(part) != expected:
            part.unlink()
            raise MalformedAnswer(f"{file.name} does not have the SHA-256 published for it")
        return part.replace(path)

    def close(self) -> None:
        """Ends what is under way; later fetches fail with `ExchangeUnreachable`."""
        self._deadlines.abort_all()
        self._session.close()

    def _get(self, path: str, write: Callable[[bytes], object], bytes_max: int) -> bool:
        """Hands an answer over piece by piece; False if there is nothing at that path."""
        self.asked += 1
        with self._deadlines.limit(DEADLINE_S) as request:
            try:
                with self._session.get(
                    self._base_url + path, timeout=(CONNECT_S, SILENCE_S), stream=True
                ) as response:
                    if response.status_code == 404:
                        return False
                    _check_status(response.status_code, path)
                    size = 0
                    for piece in response.iter_content(READ_BYTES):
                        size += len(piece)
                        if size > bytes_max:
                            raise MalformedAnswer(f"{path}: more than {bytes_max} bytes")
                        write(piece)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                reason = self._route.blame(reason_of(error))
                raise ExchangeUnreachable(f"{path}: {reason}") from error
        if request.is_aborted:
            raise ExchangeUnreachable(f"{path}: no whole answer in time")
        return True


def rows(path: Path) -> Iterator[list[object]]:
    """The rows of a zip in REST's form: 12 fields, times in ms, decimals as text.

    A header is left out. A line that is no kline comes as what it has; the store refuses it.
    Raises `MalformedAnswer` for what is no zip of one CSV file.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            names = [info for info in packed.infolist() if info.filename.endswith(".csv")]
            if len(names) != 1 or names[0].file_size > CSV_BYTES_MAX:
                raise MalformedAnswer(f"{path.name}: not one CSV file of at most {CSV_BYTES_MAX} B")
            with packed.open(names[0]) as raw, TextIOWrapper(raw, "ascii", "replace") as lines:
                for number, line in enumerate(lines):
                    if line.strip() and (number or line[0].isdigit()):
                        yield _row(line)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise MalformedAnswer(f"{path.name}: {error}") from error


def _row(line: str) -> list[object]:
    fields: list[object] = list(line.strip().split(","))
    for at in _INTEGERS:
        if at < len(fields):
            fields[at] = _whole(str(fields[at]))
    if len(fields) > 6:
        fields[0], fields[6] = _open_ms(fields[0]), _close_ms(fields[6])
    return fields


def _whole(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


def _open_ms(value: object) -> object:
    """A time within a ms is none of a candle: left in µs, which the store refuses."""
    if isinstance(value, int) and value >= _MICROSECONDS_FROM and value % 1000 == 0:
        return value // 1000
    return value


def _close_ms(value: object) -> object:
    return value // 1000 if isinstance(value, int) and value >= _MICROSECONDS_FROM else value


def _check_status(status: int, path: str) -> None:
    if status >= 500:
        raise ExchangeUnreachable(f"{path}: HTTP {status}")
    if status >= 400:
        raise ExchangeRefused(status, 0, f"archive {path}")
    if status != 200:
        raise MalformedAnswer(f"{path}: HTTP {status}")


def _checksum(text: bytes, file: File) -> str:
    """`sha256  filename`, as `sha256sum` writes it."""
    match = _SHA256.fullmatch(text.decode("ascii", "replace"))
    if not match or match[2] != file.name:
        raise MalformedAnswer(f"{file.name}.CHECKSUM is no checksum of it")
    return match[1]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

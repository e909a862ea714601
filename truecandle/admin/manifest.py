"""The manifest of an export: which files, what is in them, and the SHA-256 of each.

Never here: reading or writing candles.
Invariant: a manifest is written last and at once; a folder with one is complete.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from truecandle import __version__
from truecandle.candles.series import parse_series
from truecandle.errors import CandleError

NAME: Final = "manifest.json"
FORMAT: Final = "truecandle-candles-1"
FILES_MAX: Final = 1_000
BYTES_MAX: Final = 1024 * 1024
#: Of one file: more than twelve years of seconds.
CANDLES_MAX: Final = 400_000_000

Form = Literal["csv", "jsonl"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file: official candles of one series, ascending. Times in ms; `first` None if empty."""

    file: str
    symbol: str
    interval: str
    form: Form
    candles: int
    first: int | None
    last: int | None
    bytes: int
    sha256: str


def write(folder: Path, entries: Sequence[ManifestEntry], made_at: str) -> Path:
    """The manifest of these files in the folder."""
    found = {
        "format": FORMAT,
        "made_by": f"TrueCandle {__version__}",
        "made_at": made_at,
        "files": [asdict(entry) for entry in entries],
    }
    part = folder / f"{NAME}.part"
    part.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return part.replace(folder / NAME)


def read(folder: Path) -> list[ManifestEntry]:
    """The files of an export; `CandleError` names what is wrong with its manifest."""
    path = folder / NAME
    try:
        if path.stat().st_size > BYTES_MAX:
            raise CandleError("manifest", str(path), f"at most {BYTES_MAX} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CandleError("manifest", str(path), "a folder made by `flask export`") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise CandleError("manifest", str(path), f"format {FORMAT}")
    entries = found.get("files")
    if not isinstance(entries, list) or len(entries) > FILES_MAX:
        raise CandleError("files", entries, f"a list of at most {FILES_MAX}")
    return [_entry(entry) for entry in entries]


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(found: Any) -> ManifestEntry:
    try:
        entry = ManifestEntry(**{field.name: found[field.name] for field in fields(ManifestEntry)})
    except (LookupError, TypeError) as error:
        raise CandleError("file", found, "the fields of an export's manifest") from error
    parse_series(entry.symbol, entry.interval)
    if not isinstance(entry.file, str) or Path(entry.file).name != entry.file:
        raise CandleError("file", entry.file, "the name of a file beside the manifest")
    if not isinstance(entry.candles, int) or not 0 <= entry.candles <= CANDLES_MAX:
        raise CandleError("candles", entry.candles, f"0 to {CANDLES_MAX}")
    if entry.form not in ("csv", "jsonl"):
        raise CandleError("form", entry.form, "csv or jsonl")
    if not isinstance(entry.sha256, str) or not _SHA256.fullmatch(entry.sha256):
        raise CandleError("sha256", entry.sha256, "64 hexadecimal digits")
    return entry

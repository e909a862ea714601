"""The index of one mirrored series: what was written of it, and as of when. JSON, beside the files.

Never here: the disk, whether it is right still (`survey` and `verifier` find that).
Invariant: an index is a memory, not the truth: without it, every file is compared anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from truecandle.candles.series import Series

FORM: Final = "truecandle-mirror-1"
#: `MirroredFile.stored` of a file that has to be compared with the store, whatever lies there.
UNSURE: Final = -1

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class FileStat(NamedTuple):
    """By which a file that somebody else has touched is known."""

    bytes: int
    mtime_ns: int


class MirroredFile(NamedTuple):
    """One file: its rows and their digest, the version of the series when they were read, how many
    members lay there in the store then, and what the file looked like once it was written."""

    rows: int
    stored: int
    version: int
    sha256: str
    stat: FileStat


@dataclass(slots=True)
class MirrorIndex:
    """`version` of the series when it was last looked at, and its newest correction then: when it
    was noticed and of which candle (ms); (0, 0): there was none. `files` by period's name."""

    version: int = 0
    corrected: tuple[int, int] = (0, 0)
    files: dict[str, MirroredFile] = field(default_factory=dict)


def dumps(series: Series, index: MirrorIndex) -> bytes:
    """The text of an index."""
    files = {name: [*one[:-1], *one.stat] for name, one in sorted(index.files.items())}
    told = {"form": FORM, "series": series.name, "version": index.version}
    return orjson.dumps({**told, "corrected": index.corrected, "files": files}) + b"\n"


def loads(series: Series, text: bytes) -> MirrorIndex | None:
    """The index in a text; None for what is none of this series'."""
    try:
        found: Any = orjson.loads(text)
        if (found["form"], found["series"]) != (FORM, series.name):
            return None
        noticed_ms, open_ms = map(_whole, found["corrected"])
        files = {name: _file(*one) for name, one in found["files"].items()}
        return MirrorIndex(_whole(found["version"]), (noticed_ms, open_ms), files)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _file(
    rows: Any, stored: Any, version: Any, sha256: Any, size: Any, mtime_ns: Any
) -> MirroredFile:
    if not _SHA256.fullmatch(sha256):
        raise ValueError(sha256)
    stat = FileStat(_whole(size), _whole(mtime_ns, low=-(2**62)))
    return MirroredFile(_whole(rows), _whole(stored, low=UNSURE), _whole(version), sha256, stat)


def _whole(value: Any, low: int = 0) -> int:
    if type(value) is not int or value < low:
        raise ValueError(value)
    return value

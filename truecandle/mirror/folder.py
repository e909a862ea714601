"""The folder of a mirror on disk: `SYMBOL/INTERVAL/NAME.parquet`, and `.truecandle` for its own.

Never here: what is in a file, which files are due.
Invariant: under its name a file is whole and on the disk; only names of ours are ever written or
removed. Whatever the disk says is a `MirrorError` with the path.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import Final

from truecandle.candles.series import Series
from truecandle.errors import MirrorError, MirrorRefused
from truecandle.mirror.index import FileStat
from truecandle.mirror.periods import period_named

#: What is the mirror's own; readers of Parquet leave out what begins with a dot.
OWN: Final = ".truecandle"
SUFFIX: Final = ".parquet"
#: Behind the name of a file that is being written, which begins with a dot.
PART: Final = ".part"
#: No file of ours is larger; what is, is not read.
FILE_BYTES_MAX: Final = 1 << 28
#: The time (ns) of a file that is to be written anew.
MARKED_NS: Final = 0

_PART: Final = re.compile(r"\.(.+)\.parquet\.part", re.ASCII)


class MirrorFolder:
    """One folder. Nothing is made in it before `held` is entered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._own = root / OWN

    @contextmanager
    def held(self, identity: str) -> Iterator[None]:
        """The folder for oneself alone, and for that instance of TrueCandle ("": it has none yet);
        makes it if need be. `MirrorError` if another mirror writes there, or another instance's is
        in it. The kernel lets go of it for whoever is killed."""
        with self._mapped(self.root):
            (self._own / "index").mkdir(parents=True, exist_ok=True)
            lock = os.open(self._own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with self._mapped(self.root):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise MirrorError(f"another mirror writes into {self.root} now") from None
            self._claim(identity)
            yield
        finally:
            os.close(lock)

    def require(self) -> None:
        """`MirrorError` if there is no mirror in the folder."""
        if not self._own.is_dir():
            raise MirrorError(f"there is no mirror in {self.root}")

    def index(self, series: Series) -> bytes:
        """The text of a series' index; empty without one."""
        with self._mapped(path := self._index(series)):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return b""

    def save_index(self, series: Series, text: bytes) -> None:
        """After this, everything that was written before it is on the disk."""
        with self._mapped(folder := self.folder(series)):
            if folder.exists():
                _sync(folder)
        self._write(self._index(series), text)
        with self._mapped(self._own):
            _sync(self._own / "index")

    def stats(self, series: Series) -> dict[str, FileStat]:
        """The files of a series, by period's name. What is no file (but a link, a folder) counts as
        an empty one of ours that cannot be read."""
        found = dict[str, FileStat]()
        with self._mapped(folder := self.folder(series)), suppress(FileNotFoundError):
            for path in folder.iterdir():
                name = path.name.removesuffix(SUFFIX)
                if name + SUFFIX == path.name and period_named(series.interval, name):
                    found[name] = _stat(path.lstat())
        return found

    def read(self, series: Series, name: str) -> bytes:
        """The bytes of a file; `MirrorRefused` for what is none, or too large for one of ours."""
        with self._mapped(path := self.path(series, name)):
            status = path.lstat()
            if not S_ISREG(status.st_mode) or status.st_size > FILE_BYTES_MAX:
                raise MirrorRefused("it is no file of a mirror")
            return path.read_bytes()

    def write(self, series: Series, name: str, content: bytes) -> FileStat:
        """Writes a file, whole or not at all, over the one that is there."""
        return self._write(self.path(series, name), content)

    def remove(self, series: Series, name: str) -> None:
        with self._mapped(path := self.path(series, name)):
            path.unlink()

    def mark(self, series: Series, name: str) -> None:
        """Has the next run write a file anew: its time is not the one that the index knows."""
        with self._mapped(path := self.path(series, name)):
            os.utime(path, ns=(MARKED_NS, MARKED_NS), follow_symlinks=False)

    def tidy(self, series: Series) -> None:
        """Removes what somebody who was killed has left half written."""
        with self._mapped(folder := self.folder(series)), suppress(FileNotFoundError):
            for path in folder.iterdir():
                match = _PART.fullmatch(path.name)
                if match and period_named(series.interval, match[1]) and not path.is_dir():
                    path.unlink()

    def path(self, series: Series, name: str) -> Path:
        return self.folder(series) / f"{name}{SUFFIX}"

    def folder(self, series: Series) -> Path:
        """Where the files of a series are. `MirrorRefused` for a symbol that no folder may have."""
        return self.root / _checked(series.symbol) / _folded(series)

    def _index(self, series: Series) -> Path:
        return self._own / "index" / f"{_checked(series.symbol)}-{_folded(series)}.json"

    def _claim(self, identity: str) -> None:
        path = self._own / "instance"
        with self._mapped(path):
            known = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if known and identity and known != identity:
            raise MirrorError(
                f"{self.root} mirrors another instance of TrueCandle, whose candles would be"
                f" replaced; name another folder, or remove {path} to go on with this one"
            )
        if identity and not known:
            self._write(path, f"{identity}\n".encode())

    def _write(self, path: Path, content: bytes) -> FileStat:
        part = path.with_name(f".{path.name}{PART}")
        with self._mapped(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.unlink(missing_ok=True)
                with open(part, "xb") as out:
                    out.write(content)
                    out.flush()
                    os.fsync(out.fileno())
                part.replace(path)
                return _stat(path.lstat())
            except OSError:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
                raise

    @contextmanager
    def _mapped(self, path: Path) -> Iterator[None]:
        """What the system says of this path leaves as a `MirrorError`."""
        try:
            yield
        except OSError as error:
            place = error.filename or path
            raise MirrorError(f"{place}: {error.strerror or error}") from error
        except ValueError as error:  # a name that this system has no letters for
            raise MirrorError(f"{path!r}: {error}") from error


def _checked(symbol: str) -> str:
    if symbol.startswith("."):
        raise MirrorRefused(
            f"symbol is {symbol!r}; allowed in a mirror: those without '.' in front"
        )
    return symbol


def _folded(series: Series) -> str:
    """Where case may be folded, `1M` would be `1m`."""
    return "1mo" if series.interval.name == "1M" else series.interval.name


def _stat(status: os.stat_result) -> FileStat:
    return FileStat(status.st_size if S_ISREG(status.st_mode) else 0, status.st_mtime_ns)


def _sync(folder: Path) -> None:
    """Has the names in a folder on the disk."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)

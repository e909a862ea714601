"""`flask backup` and `flask restore`: everything but candles, in one file.

The file is text: a line of JSON about it, and one for each key. Candles are the exchange's, and are
fetched again (`flask export` keeps them, if need be).

Never here: which keys these are (`store/backup`); a secret on the terminal.
Invariant: a file is written whole or not at all, readable by its owner alone; one that is damaged
or of another version changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

import truecandle
from truecandle.admin.context import CommandContext, pass_context, reported
from truecandle.errors import TrueCandleError
from truecandle.store import backup as stored
from truecandle.store.backup import KEYS_MAX, SavedKey

#: Of the file's form. Another one is not read.
VERSION: Final = 1
FORM: Final = "truecandle-backup"
#: Larger ones are none of ours.
FILE_BYTES_MAX: Final = 1 << 30


class BackupRefused(TrueCandleError):
    """The file is not one that can be put back; nothing was changed."""


@click.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@pass_context
@reported
def backup(context: CommandContext, path: Path) -> None:
    """Write accounts, tokens, settings, drawings, layouts and markets into a new FILE.

    It holds no password and no token, but their hashes: keep it as safe as Redis itself.
    """
    found = stored.read(context.redis)
    if not any(key.name == b"users" for key in found):
        raise click.ClickException("there is no user; nothing was written")
    content = encode(found, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if len(content) > FILE_BYTES_MAX:
        raise click.ClickException("there is more than a backup may hold; nothing was written")
    try:
        _write(path, content)
    except FileExistsError:
        raise click.ClickException(f"there is a file {path} already; name another") from None
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    click.echo(f"{path}: {_summary(found)}")


@click.command("restore")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Also where there are users: they are replaced.")
@pass_context
@reported
def restore(context: CommandContext, path: Path, replace: bool) -> None:
    """Put back what `flask backup` wrote: accounts, tokens, settings, drawings and so on.

    What is there of these is replaced, all or nothing. Sessions are not in a backup: users sign in
    again. The roles go on running.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BackupRefused(f"{path} is too large for a backup")
        saved = decode(path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    if not replace and (present := stored.read(context.redis)) and present != saved:
        users = next((len(key.value) for key in present if key.name == b"users"), 0)
        if users:
            raise click.ClickException(
                f"there are {users} users already; to replace them and all their tokens and"
                " settings by those of the file, add --replace"
            )
    stored.put_back(context.redis, saved)
    click.echo(f"{path}: {_summary(saved)} put back")


def encode(keys: Iterable[SavedKey], made_at: str) -> bytes:
    """The bytes of a backup file."""
    lines = [json.dumps(_packed(key), ensure_ascii=True) for key in keys]
    body = "".join(f"{line}\n" for line in lines).encode()
    head = {
        "form": FORM,
        "version": VERSION,
        "truecandle": truecandle.__version__,
        "made_at": made_at,
        "keys": len(lines),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return json.dumps(head).encode() + b"\n" + body


def decode(content: bytes) -> list[SavedKey]:
    """The keys of a backup file; raises `BackupRefused` with a sentence if it is none."""
    first, _, body = content.partition(b"\n")
    head: Any = None
    with suppress(ValueError, RecursionError):
        head = json.loads(first)
    if not isinstance(head, dict) or head.get("form") != FORM:
        raise BackupRefused("this is no backup of TrueCandle's; nothing was changed")
    if head.get("version") != VERSION:
        raise BackupRefused(
            f"this backup has version {str(head.get('version'))[:20]!r}, made by TrueCandle"
            f" {str(head.get('truecandle'))[:20]!r}; this one reads version {VERSION}. Nothing was"
            " changed."
        )
    lines = body.splitlines()
    is_whole = hashlib.sha256(body).hexdigest() == head.get("sha256")
    if not is_whole or len(lines) != head.get("keys") or len(lines) > KEYS_MAX:
        raise BackupRefused("this backup is damaged: its hash is another; nothing was changed")
    return [_unpacked(line) for line in lines]


def _packed(key: SavedKey) -> list[Any]:
    return [_text(key.name), key.kind, key.expires_ms, _texts(key.value)]


def _unpacked(line: bytes) -> SavedKey:
    try:
        name, kind, expires_ms, value = json.loads(line)
        key = SavedKey(_bytes(name), kind, expires_ms, _values(kind, value))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BackupRefused("this backup has a line that is no key; nothing was changed") from None
    if stored.expected_kind(key.name) != kind or not key.value:
        raise BackupRefused(
            f"this backup holds {key.name[:40]!a}, which is no key of a backup; nothing was changed"
        )
    return key


def _texts(value: Any) -> Any:
    """Bytes as text, in whatever they lie."""
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(name): _text(one) for name, one in value.items()}
    return [[_text(one[0]), one[1]] if isinstance(one, tuple) else _text(one) for one in value]


def _values(kind: str, value: Any) -> Any:
    """What `_texts` made, back."""
    if kind == "string":
        return _bytes(value)
    if kind == "hash":
        return {_bytes(name): _bytes(one) for name, one in value.items()}
    if kind == "zset":
        return [(_bytes(member), float(score)) for member, score in value]
    return [_bytes(one) for one in value]


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _write(path: Path, content: bytes) -> None:
    """A new file, for its owner alone, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.link(part, path)  # unlike a rename, it replaces nothing
    finally:
        part.unlink(missing_ok=True)


def _summary(keys: Iterable[SavedKey]) -> str:
    """How many of what, by the beginning of the keys' names; no names."""
    counted = Counter(key.name.partition(b":")[0].decode(errors="replace") for key in keys)
    told = {"user": "users", "token": "tokens", "settings": "settings of users"}
    parts = [f"{counted[head]} {words}" for head, words in told.items()]
    documents = sum(_documents(key) for key in keys)
    markets = sum(len(key.value) for key in keys if key.name == b"markets")
    return f"{', '.join(parts)}, {documents} documents of theirs, {markets} followed markets"


def _documents(key: SavedKey) -> int:
    """Drawings, layouts and study templates of a user; "" counts their versions."""
    is_of_documents = key.name.partition(b":")[0] in (b"drawings", b"layouts", b"study_templates")
    return sum(1 for name in key.value if name) if is_of_documents else 0

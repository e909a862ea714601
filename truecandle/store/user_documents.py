"""Documents of a user, each under a name: the drawings of a market, layouts, study templates.

Never here: what stands in a document (`web/drawings`, `web/layouts`, `web/studies`), who may change
it (`web/auth`).
Invariant: a document is replaced only by who names the version that is stored, and no version of a
kind comes twice; documents live no longer than their user.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from redis import Redis

from truecandle.store import keys, map_redis_errors
from truecandle.store.script import Script

#: Markets with drawings, layouts and study templates of one user.
DRAWN_MARKETS_MAX: Final = 200
LAYOUTS_MAX: Final = 50
STUDY_TEMPLATES_MAX: Final = 50
#: All documents of one kind of one user.
KIND_BYTES_MAX: Final = 2 << 20

Outcome = Literal["saved", "conflict", "full", "large", "gone"]

_SAVE = Script("save_document")
_STORED = re.compile(r"([0-9]+) (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """What documents of one kind are called, where they are kept, and how many a user may have."""

    noun: str
    key: Callable[[str], str]
    count_max: int


DRAWINGS: Final = DocumentKind("markets with drawings", keys.drawings, DRAWN_MARKETS_MAX)
LAYOUTS: Final = DocumentKind("layouts", keys.layouts, LAYOUTS_MAX)
STUDY_TEMPLATES: Final = DocumentKind("study templates", keys.study_templates, STUDY_TEMPLATES_MAX)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """The JSON as it was saved, and its version; "" and 0 where there is no such document."""

    text: str = ""
    version: int = 0


@map_redis_errors()
def read(redis: Redis, kind: DocumentKind, user: str, name: str) -> StoredDocument:
    return _decoded(cast(bytes | None, redis.hget(kind.key(user), name)))


@map_redis_errors()
def read_all(redis: Redis, kind: DocumentKind, user: str) -> dict[str, StoredDocument]:
    """All documents of a kind, by name, ascending."""
    found = cast(dict[bytes, bytes], redis.hgetall(kind.key(user)))
    named = {name.decode(errors="replace"): value for name, value in found.items() if name}
    documents = {name: _decoded(named[name]) for name in sorted(named)}
    return {name: document for name, document in documents.items() if document.version}


@map_redis_errors()
def save(
    redis: Redis, kind: DocumentKind, user: str, name: str, document: StoredDocument
) -> tuple[Outcome, StoredDocument]:
    """Replaces the version that `document` names by its text, or makes it where that is 0; an empty
    text takes it away. What came of it, and what is stored now.
    """
    given = (name, document.version, document.text, kind.count_max, KIND_BYTES_MAX)
    answer: Any = _SAVE.run(redis, (keys.user(user), kind.key(user)), given)
    outcome, version, text = (part.decode() for part in answer)
    return cast(Outcome, outcome), StoredDocument(text, int(version))


@map_redis_errors()
def remove(redis: Redis, kind: DocumentKind, user: str, name: str) -> bool:
    """Takes it away, whatever its version; False if there is none."""
    return bool(redis.hdel(kind.key(user), name))


def _decoded(value: bytes | None) -> StoredDocument:
    match = _STORED.fullmatch((value or b"").decode(errors="replace"))
    return StoredDocument(match[2], int(match[1])) if match else StoredDocument()

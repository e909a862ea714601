"""Who was let in to read a moment ago, by what their requests show: cookies and a token.

Never here: letting anybody in (`auth` has, with all that belongs to it), Redis.
Invariant: nobody is found whose credential may have ended since: what is kept holds for the version
of all credentials that was read before they were checked, and for `CHECKED_MS` at most. No secret
is kept, and whoever was not let in is not remembered.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

#: How long somebody is gone by without being checked again. What ends a credential changes the
#: version at once; this is for what ends by itself, and for whoever deletes keys by hand.
CHECKED_MS: Final = 1_000
#: Who is remembered; the first to have come is forgotten first.
READERS_MAX: Final = 10_000


class CheckedReader(NamedTuple):
    """`known` is the digest of a session or token, `user` whose it is; None for whoever may read
    without one."""

    known: str | None
    user: str | None
    version: bytes
    checked_ms: int


class CheckedReaders:
    """Readers of a whole process; `now_ms` is the machine's clock. Safe between threads."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._readers: OrderedDict[bytes, CheckedReader] = OrderedDict()

    def find(self, environ: Mapping[str, Any], version: bytes | None) -> CheckedReader | None:
        """Who sends this request, if that is known now that all credentials have that version."""
        found = self._readers.get(self._shown(environ))
        if found is None or version is None or found.version != version:
            return None
        return found if 0 <= self._now_ms() - found.checked_ms < CHECKED_MS else None

    def remember(
        self, environ: Mapping[str, Any], version: bytes, known: str | None, user: str | None
    ) -> None:
        """Somebody was let in, after that version had been read."""
        shown = self._shown(environ)
        with self._lock:
            self._readers.pop(shown, None)
            self._readers[shown] = CheckedReader(known, user, version, self._now_ms())
            if len(self._readers) > READERS_MAX:
                self._readers.popitem(last=False)

    def _shown(self, environ: Mapping[str, Any]) -> bytes:
        """All that `auth` goes by, as a digest that tells nothing outside of this process."""
        token, cookie = environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_COOKIE")
        text = f"{token!r} {cookie!r}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16, key=self._key).digest()

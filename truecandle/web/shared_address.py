"""Whether all users seem to share one address: a proxy that passes theirs on, and is not believed.

Never here: whom to believe (`forwarded`), limits.
Invariant: what strangers send can make this warn, never change a limit; one line in the log.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import deque
from typing import Any, Final

#: So many sign-ins and sockets in a row tell something.
ARRIVALS: Final = 10

_log = logging.getLogger("truecandle.web.forwarded")


class SharedAddress:
    """Looks at the newest sign-ins and sockets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrivals: deque[tuple[str, bool]] = deque(maxlen=ARRIVALS)
        self._has_told = False

    def note(self, environ: dict[str, Any], *, is_forwarded: bool) -> None:
        """Sees one request, once it is known where it comes from. `is_forwarded`: it names others
        that it comes from, and is not believed.
        """
        path = environ.get("PATH_INFO", "")
        is_sign_in = environ.get("REQUEST_METHOD") == "POST" and path.endswith("/login")
        if not (is_sign_in or path.endswith("/socket.io/")):
            return
        with self._lock:
            self._arrivals.append((environ.get("REMOTE_ADDR") or "", is_forwarded))
        if (found := self.warnings()) and not self._has_told:
            self._has_told = True
            _log.warning("%s", found[0])

    def warnings(self) -> list[str]:
        """One sentence, or none."""
        with self._lock:
            arrivals = set(self._arrivals)
            is_enough = len(self._arrivals) == ARRIVALS
        address, is_forwarded = next(iter(arrivals), ("", False))
        if not (is_enough and len(arrivals) == 1 and is_forwarded and _is_private(address)):
            return []
        return [
            f"All users seem to share the address {address}: it sends X-Forwarded-For and is not "
            "trusted, so the limits count everybody as one. If it is your proxy, set "
            f"TRUSTED_PROXIES={address}."
        ]


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False

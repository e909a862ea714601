"""Which origins are our own: where pages come from that may post and open WebSockets here.

Never here: cookies, CSRF tokens, what is posted.
Invariant: one rule for REST and Socket.IO; whatever a stranger sends, nothing of it is logged.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

#: What to do where our own page is taken for another's: the server knows it by another name.
IF_OURS: Final = (
    "If this is one, set PUBLIC_URL to where browsers find it, and let the proxy in front pass "
    "Host and X-Forwarded-Proto on."
)


def is_own(origin: str, environ: dict[str, Any], public_url: str) -> bool:
    """Whether it is the origin of `PUBLIC_URL`, or the one that this request was sent to."""
    found = _origin(origin)
    here = f"{environ.get('wsgi.url_scheme', '')}://{environ.get('HTTP_HOST', '')}"
    return found is not None and found in (_origin(here), _origin(public_url))


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; None for what has none of them, such as `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname.lower(), port

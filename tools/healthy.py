"""`python -m tools.healthy ROLE`: exit code 0 if that role works; the containers' health check.

Of several that run beside each other each container looks at its own: by its host's name, which
stands in the sign of life.

Never here: what makes the system ready as a whole (`/readyz`), restarting anything.
Invariant: answers within a few seconds, whatever hangs; another's sign of life is never taken for
one's own.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import sys
from contextlib import closing

from truecandle.config import Settings, read_settings
from truecandle.errors import TrueCandleError
from truecandle.store import connect, roles

ROLES = ("web", "fetcher", "feed")
SILENCE_MS_MAX = 60_000
ANSWER_LIMIT_S = 3.0
#: Where a server is found that listens on every address.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104: asked, not listened on
#: What a role is called that is well, and waits for another to end.
STANDING_BY = {"fetcher": (roles.STANDBY,)}


def main(role: str) -> int | str:
    try:
        settings = read_settings(os.environ)
        return page_problem(settings) if role == "web" else silence_problem(settings, role)
    except (TrueCandleError, OSError, http.client.HTTPException) as problem:
        return f"{role}: {problem}"


def page_problem(settings: Settings) -> int | str:
    """0 if the page's server answers: asked where it listens, and through no proxy."""
    host = EVERYWHERE.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=ANSWER_LIMIT_S)
    with closing(connection):
        connection.request("GET", f"{settings.base_path}/healthz")
        status = connection.getresponse().status
    return 0 if status == 200 else f"web: HTTP {status}"


def silence_problem(settings: Settings, role: str) -> int | str:
    """0 if the role gave a sign of life on this host within the last minute."""
    redis, host = connect(settings.redis_url), f"{socket.gethostname()}:"
    beats = [
        abs(beat.age_ms)
        for name in (role, *STANDING_BY.get(role, ()))
        for holder, beat in roles.each(redis, name).items()
        if holder.startswith(host)
    ]
    if not beats:
        return f"{role}: no sign of life on {host.rstrip(':')} yet"
    if min(beats) > SILENCE_MS_MAX:
        return f"{role}: last sign of life {min(beats) // 1000} s ago"
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Exit code 0 if a role works.")
    parser.add_argument("role", choices=ROLES)
    sys.exit(main(parser.parse_args().role))

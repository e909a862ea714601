"""`python -m tools.redis_users FOLDER PLACE`: a user of Redis for each role, with its password.

PLACE is HOST:PORT/DATABASE, for TLS with `rediss://` before it and options after it.
Makes `FOLDER/server/users.acl` for the server, and for each user `FOLDER/USER/url`: what
`REDIS_URL` would hold, for `REDIS_URL_FILE`. Passwords that are there stay; the rights are written
anew.

Never here: what a user may do (`truecandle/store/permissions`); a password on the terminal.
Invariant: done twice, it changes nothing; the server's file holds hashes, each role's its own URL.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from truecandle.errors import SettingsError
from truecandle.store.permissions import USERS, acl_line
from truecandle.urls import redis_url

USAGE = "allowed: python -m tools.redis_users FOLDER HOST:PORT/DATABASE"
PASSWORD_BYTES = 32
#: The server's own health check: it may say PING and nothing else, so that it needs no password.
HEALTH = "user default reset on nopass -@all +ping"


def main(folder: str, place: str) -> int | str:
    root, url = Path(folder), place if "://" in place else f"redis://{place}"
    try:
        redis_url(url)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        make(root, url)
    except OSError as problem:
        return f"{problem.filename}: {problem.strerror}"
    except (ValueError, SettingsError) as problem:
        return f"{place}: {problem}"
    print(f"redis users: {', '.join(USERS)} in {root}")
    return 0


def make(root: Path, url: str) -> None:
    """All files, where `url` is the server's without name and password."""
    lines, (scheme, _, place) = [HEALTH], url.partition("://")
    for user in USERS:
        password = kept_password(root / user / "url") or secrets.token_urlsafe(PASSWORD_BYTES)
        write(root / user / "url", f"{scheme}://{user}:{password}@{place}\n")
        lines.append(acl_line(user, hashlib.sha256(password.encode()).hexdigest()))
    write(root / "server" / "users.acl", "".join(f"{line}\n" for line in lines))


def kept_password(path: Path) -> str:
    """The password in a file that was made before; empty without one."""
    try:
        return unquote(urlsplit(path.read_text(encoding="ascii").strip()).password or "")
    except FileNotFoundError:
        return ""


def write(path: Path, text: str) -> None:
    """Whole or not at all. Others may read it only where its folder lets them: in a container the
    server is another user than who writes this."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with open(part, "x", encoding="ascii") as out:
        os.fchmod(out.fileno(), 0o644)
        out.write(text)
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 3 else USAGE)

"""The files that give each role a Redis user of its own: made once, and each for its reader alone.

Never here: a server that goes by them (`tests/faults/test_redis_users.py`).
Invariant: a second run changes no password, and writes the rights of the present table.
"""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.project_files import ROOT
from tools import redis_users
from truecandle.store.permissions import USERS, acl_line

PLACE = "redis:6379/0"


def content(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.*")} | {
        f"{user}/url": (root / user / "url").read_text() for user in USERS
    }


def test_each_user_has_a_long_password_of_its_own_and_the_server_its_hash(tmp_path: Path) -> None:
    assert redis_users.main(str(tmp_path), PLACE) == 0
    acl = (tmp_path / "server" / "users.acl").read_text()
    passwords = set()
    for user in USERS:
        url = urlsplit((tmp_path / user / "url").read_text().strip())
        assert (url.scheme, url.username, f"{url.hostname}:{url.port}{url.path}") == (
            "redis", user, PLACE,
        )  # fmt: skip
        assert url.password and len(url.password) >= 40
        passwords.add(url.password)
        assert acl_line(user, hashlib.sha256(url.password.encode()).hexdigest()) in acl
        assert url.password not in acl
    assert len(passwords) == len(USERS)


def test_a_second_run_keeps_passwords_and_writes_the_rights_anew(tmp_path: Path) -> None:
    redis_users.main(str(tmp_path), PLACE)
    before = content(tmp_path)
    redis_users.main(str(tmp_path), PLACE)
    assert content(tmp_path) == before
    (tmp_path / "server" / "users.acl").write_text("user web on nopass +@all ~*\n")
    redis_users.main(str(tmp_path), PLACE)
    assert content(tmp_path) == before


def test_a_new_folder_is_its_owners_alone_and_tls_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    place = "rediss://redis:6379/0?ssl_ca_certs=%2Fetc%2Fca.pem"
    assert redis_users.main(str(folder), place) == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    url = (folder / "web" / "url").read_text()
    assert url.startswith("rediss://web:") and url.endswith(
        "@redis:6379/0?ssl_ca_certs=%2Fetc%2Fca.pem\n"
    )


def test_nothing_secret_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    redis_users.main(str(tmp_path), PLACE)
    said = capsys.readouterr().out
    for user in USERS:
        password = urlsplit((tmp_path / user / "url").read_text().strip()).password
        assert password and password not in said


def test_a_place_that_is_none_and_a_folder_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    assert "allowed" in str(redis_users.main(str(tmp_path), "redis:port/x"))
    (tmp_path / "file").write_text("")
    assert "file" in str(redis_users.main(str(tmp_path / "file" / "below"), PLACE))


def test_whoever_names_too_little_or_too_much_is_told_what_is_allowed(tmp_path: Path) -> None:
    for given in ([], [str(tmp_path / "new"), PLACE, "more"]):
        command = [sys.executable, "-m", "tools.redis_users", *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (1, f"{redis_users.USAGE}\n")
    assert not (tmp_path / "new").exists()

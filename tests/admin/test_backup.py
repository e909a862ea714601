"""`flask backup` and `flask restore`: what cannot be fetched again survives an emptied Redis.

Never here: candles (`test_export_and_import`).
Invariant: a file that is not whole and ours changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest
import requests
from redis import Redis

from tests.support.flask_commands import Shell
from tests.support.role_processes import Roles
from tests.support.sample_candles import HOURS, after, rows
from tests.support.web_app import PASSWORD, issue, known_hash
from tests.support.web_process import Web, bearer, csrf
from truecandle.admin import backup
from truecandle.config import Settings
from truecandle.store import backup as stored
from truecandle.store import keys, markets, official, user_documents, user_settings
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import CredentialStore
from truecandle.store.user_documents import DRAWINGS, StoredDocument

SYMBOLS = ("BTCUSDT", "ETHUSDT")
DRAWING = {"id": "a", "kind": "text", "points": [{"time": 0, "price": "1"}], "text": "öäü"}


@pytest.fixture
def shell(redis_url: str, redis: Redis, tmp_path: Path) -> Shell:
    return Shell(Settings(redis_url=redis_url, var_dir=tmp_path, symbols=SYMBOLS))


@pytest.fixture
def token(redis: Redis) -> str:
    """Two users with a token each (this is the first's), settings, a session; markets; candles."""
    header = issue(redis, "write", "ann")
    issue(redis, user="bob")
    user_settings.save(redis, "ann", '{"theme":"dark"}')
    drawn = StoredDocument(json.dumps([DRAWING]))
    assert user_documents.save(redis, DRAWINGS, "ann", "BTCUSDT", drawn)[0] == "saved"
    redis.hset(keys.session("ab" * 32), "user", "ann")
    markets.followed(redis, SYMBOLS)
    official.upsert_klines(redis, HOURS, rows(3), now_ms=after(3), settle_ms=0)
    return header["Authorization"].removeprefix("Bearer ")


def content(redis: Redis) -> dict[bytes, bytes | None]:
    return {name: redis.dump(name) for name in redis.scan_iter()}


def untouched(redis: Redis) -> dict[bytes, bytes | None]:
    """What is in no backup."""
    kept = {key.name for key in stored.read(redis)}
    return {name: value for name, value in content(redis).items() if name not in kept}


def test_users_sign_in_again_after_redis_was_emptied_and_the_backup_put_back(
    shell: Shell, redis: Redis, redis_url: str, token: str, tmp_path: Path, processes: Roles
) -> None:
    file = tmp_path / "kept"
    said = shell.ok("backup", str(file))
    counted = "2 users, 2 tokens, 1 settings of users, 1 documents of theirs, 2 followed markets"
    assert counted in said
    redis.flushall()
    said = shell.ok("restore", str(file))
    assert "put back" in said
    web = Web(processes, redis_url, tmp_path / "var")
    browser = requests.Session()
    form = {"username": "ann", "password": PASSWORD, "csrf_token": csrf(web, browser)}
    entered = browser.post(f"{web.url}/login", form, timeout=20, allow_redirects=False)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/")
    assert web.get("/settings", headers=bearer(token)).json()["settings"] == {"theme": "dark"}
    drawn = {"drawings": [DRAWING], "version": 1}
    assert web.get("/drawings/BTCUSDT", headers=bearer(token)).json() == drawn
    assert [one["symbol"] for one in web.get("/markets", headers=bearer(token)).json()["markets"]] \
        == list(SYMBOLS)  # fmt: skip


def test_restoring_twice_changes_nothing_more_and_leaves_candles_and_strangers_alone(
    shell: Shell, redis: Redis, token: str, tmp_path: Path
) -> None:
    redis.hset("user:1001", "app", "another one's")
    file = str(tmp_path / "kept")
    shell.ok("backup", file)
    before, others = stored.read(redis), untouched(redis)
    for _ in range(2):
        shell.ok("restore", file)
        assert (stored.read(redis), untouched(redis)) == (before, others)
    assert b"user:1001" in others
    assert b"1001" not in (tmp_path / "kept").read_bytes()


def test_users_that_are_there_are_replaced_only_if_told_so(
    shell: Shell, redis: Redis, token: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "kept")
    shell.ok("backup", file)
    issue(redis, user="eve")
    Accounts(redis).set_password("ann", "other")
    before = content(redis)
    refused = shell.run("restore", file)
    assert refused.exit_code == 1
    assert "there are 3 users already" in refused.output and "--replace" in refused.output
    assert content(redis) == before
    shell.ok("restore", "--replace", file)
    assert [one.name for one in Accounts(redis).all()] == ["ann", "bob"]
    assert CredentialStore(redis).token(token) is not None


def test_the_file_is_its_owners_alone_and_is_never_written_over(
    shell: Shell, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "kept"
    shell.ok("backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("kept")] == ["kept"]
    before = file.read_bytes()
    refused = shell.run("backup", str(file))
    assert (refused.exit_code, "already" in refused.output) == (1, True)
    assert file.read_bytes() == before


def test_no_secret_is_in_the_file_or_on_the_terminal(
    shell: Shell, redis: Redis, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "kept"
    said = shell.ok("backup", str(file)) + shell.ok("restore", str(file))
    assert token not in file.read_text() and PASSWORD not in file.read_text()
    digest = hashlib.sha256(token.encode()).hexdigest()
    for secret in (token, digest, known_hash(), "ann"):
        assert secret not in said
    assert b"session:" not in file.read_bytes()


def test_nothing_is_written_where_there_is_no_user(shell: Shell, tmp_path: Path) -> None:
    refused = shell.run("backup", str(tmp_path / "kept"))
    assert (refused.exit_code, "there is no user" in refused.output) == (1, True)
    assert not (tmp_path / "kept").exists()


def resigned(head: dict[str, object], body: bytes) -> bytes:
    """A file whose hash and count are right."""
    sums = {"sha256": hashlib.sha256(body).hexdigest(), "keys": body.count(b"\n")}
    return json.dumps({**head, **sums}).encode() + b"\n" + body


@pytest.mark.parametrize(
    "damage, words",
    [
        (lambda head, body: b"", "no backup"),
        (lambda head, body: b"PK\x03\x04" + body, "no backup"),
        (lambda head, body: json.dumps({**head, "version": 2}).encode() + b"\n" + body, "version"),
        (lambda head, body: json.dumps(head).encode() + b"\n" + body[:-5], "damaged"),
        (lambda head, body: json.dumps(head).encode() + b"\n" + body.replace(b"ann", b"eve"),
         "damaged"),
        (lambda head, body: resigned(head, b'["klines_z:BTCUSDT:1h","zset",null,[["x",1]]]\n'),
         "no key of a backup"),
        (lambda head, body: resigned(head, b'["users","string",null,"x"]\n'), "no key of a backup"),
        (lambda head, body: resigned(head, b"[1]\n"), "no key"),
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_file_changes_nothing_and_is_refused_in_a_sentence(
    shell: Shell, redis: Redis, token: str, tmp_path: Path, damage: object, words: str
) -> None:
    file = tmp_path / "kept"
    shell.ok("backup", str(file))
    first, _, body = file.read_bytes().partition(b"\n")
    file.write_bytes(damage(json.loads(first), body))  # type: ignore[operator]
    before = content(redis)
    refused = shell.run("restore", "--replace", str(file))
    assert refused.exit_code == 1
    assert words in refused.output
    assert "Traceback" not in refused.output
    assert content(redis) == before


def test_every_kind_of_value_and_what_expires_come_back(redis: Redis) -> None:
    digest = "ab" * 32
    redis.sadd(keys.USERS, "ann")
    redis.set("user:ann", "no hash")  # of a wrong kind: named, not saved
    with pytest.raises(Exception, match="WRONGTYPE"):
        stored.read(redis)
    redis.delete("user:ann")
    redis.hset(f"token:{digest}", mapping={"user": "ann", "bytes": b"\xff\x00"})
    redis.pexpire(f"token:{digest}", 60_000)
    saved = backup.decode(backup.encode(stored.read(redis), "now"))
    redis.flushall()
    stored.put_back(redis, saved)
    assert redis.hget(f"token:{digest}", "bytes") == b"\xff\x00"
    assert 0 < redis.pttl(f"token:{digest}") <= 60_000
    assert stored.read(redis) == saved


def test_whatever_keys_there_will_be_each_is_in_a_backup_or_named_as_left_out() -> None:
    every = {*keys.OF_OTHERS, *keys.SINGLE}
    assert every >= keys.NOT_BACKED_UP
    kept = every - keys.NOT_BACKED_UP
    assert kept >= {"users", "markets", "user:", "token:", "tokens:", "settings:"}
    assert kept >= {"drawings:", "layouts:", "study_templates:"}

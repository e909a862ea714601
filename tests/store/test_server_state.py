"""Each word of a Redis that does not do what was asked becomes a sentence with a way out.

Never here: servers that are stopped, full or frozen (`tests/faults/test_redis*.py`).
Invariant: `damaged` is said only where nothing but our own key can be the cause.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis as redis_py
from redis.exceptions import ResponseError

from tests.support.redis_server import RedisProc
from truecandle.errors import StoreDamaged, StoreUnavailable
from truecandle.store import connect, from_reply, map_redis_errors
from truecandle.store.channel import Channel
from truecandle.store.server_state import look

#: What servers say, as it stands on the wire, and what is said of it.
SAID = {
    "MOVED 3999 127.0.0.1:6381": "a Redis Cluster",
    "ASK 3999 127.0.0.1:6381": "a Redis Cluster",
    "CROSSSLOT Keys in request don't hash to the same slot": "a Redis Cluster",
    "CLUSTERDOWN The cluster is down": "a Redis Cluster",
    "ERR SELECT is not allowed in cluster mode": "a Redis Cluster",
    "ERR DB index is out of range": "no database of the number",
    "ERR invalid DB index": "no database of the number",
    "DENIED Redis is running in protected mode because protected mode is enabled": "set a password",
    "NOAUTH Authentication required.": "another user or password",
    "WRONGPASS invalid username-password pair or user is disabled.": "another user or password",
    "NOPERM this user has no permissions to access one of the channels used as arguments": "rights",
    "NOPERM User web has no permissions to run the 'evalsha' command": "rights",
    "ERR unknown command 'EVALSHA'": "lacks a command",
    "ERR Error running script (call to f_1): @user_script:9: Unknown Redis command called": "lacks",
    "READONLY You can't write against a read only replica.": "let REDIS_URL name the primary",
    "OOM command not allowed when used memory > 'maxmemory'.": "raise its maxmemory",
    "MISCONF Redis is configured to save RDB snapshots, but is unable to": "look at its disk",
    "LOADING Redis is loading the dataset in memory": "away",
    "LOADING KeyDB is loading the dataset in memory": "away",
    "BUSY Valkey is busy running a script. You can only call SCRIPT KILL": "cannot do it now",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set": "cannot do it now",
    "ERR max number of clients reached": "max number of clients",
    "ERR something that nobody has heard of yet": "cannot do it now",
}
DAMAGED = (
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "ERR hash value is not an integer",
    "ERR value is not a valid float",
    "ERR Error running script (call to f_1): @user_script:9: attempt to index a nil value",
)


@contextmanager
def saying(text: str) -> Iterator[str]:
    """A server that answers so to everything."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while head := self.rfile.readline():
                for _ in range(2 * int(head[1:])):  # a length and a text for each part
                    self.rfile.readline()
                self.wfile.write(f"-{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("text", SAID)
def test_every_word_of_a_server_is_unavailable_and_says_what_to_do(text: str) -> None:
    told = pytest.raises(StoreUnavailable, match=SAID[text])
    with saying(text) as url, closing(connect(url, retries=0)) as client, told, map_redis_errors():
        client.hget("a", "b")


@pytest.mark.parametrize("text", DAMAGED)
def test_what_only_our_own_key_can_cause_is_damage(text: str) -> None:
    told = pytest.raises(StoreDamaged)
    with saying(text) as url, closing(connect(url, retries=0)) as client, told, map_redis_errors():
        client.hget("a", "b")


def test_a_word_inside_a_script_counts_as_the_word_itself() -> None:
    error = ResponseError("ERR Error running script: NOPERM this user has no permissions")
    assert isinstance(from_reply(error), StoreUnavailable)


def test_a_user_without_channels_or_scripts_is_told_so(tmp_path: Path) -> None:
    """As Redis 7 and Valkey make new users; Redis 6.2 gives them all channels unless it is told."""
    with RedisProc(tmp_path, aof=True) as server, server.client() as owner:
        made = ("reset", "resetchannels", "on", ">secret", "~*", "+@all")
        owner.execute_command("ACL", "SETUSER", "ann", *made)
        url = server.url.replace("redis://", "redis://ann:secret@")
        with closing(connect(url)) as client:
            (problem,) = look(client)
            assert (problem.kind, problem.refuses_writes) == ("events_lost", False)
            assert "channels (&truecandle:*)" in problem.text
            owner.execute_command("ACL", "SETUSER", "ann", "&truecandle:*", "-@scripting")
            with pytest.raises(StoreUnavailable, match="rights"):
                look(client)
            owner.execute_command("ACL", "SETUSER", "ann", "+@scripting")
            assert look(client) == []
            Channel(client).publish([b"{}"])


def test_a_server_without_hello_serves_as_well(redis: redis_py.Redis, redis_url: str) -> None:
    """As proxies and old servers are: here the user may not say it."""
    redis.execute_command("ACL", "SETUSER", "plain", "on", ">secret", "~*", "&*", "+@all", "-hello")
    try:
        with closing(connect(redis_url.replace("redis://", "redis://plain:secret@"))) as client:
            client.zadd("z", {"a": 1.5})
            assert client.zrange("z", 0, -1, withscores=True)[0][1] == 1.5
    finally:
        redis.execute_command("ACL", "DELUSER", "plain")

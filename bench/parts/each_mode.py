"""The web role in one mode after the other, and what others notice of it at rest.

Never here: what is done to it.
Invariant: each mode has a Redis and a folder of its own, and all of it ends with its turn.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from redis import Redis

from bench.parts.others_answers import Watchers
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.web_process import Web, token_of

REST_S = 3.0


def in_each_mode(
    modes: str,
    run: Callable[[Web, str, str], bool],
    *,
    width: int,
    prepare: Callable[[Redis], None] = lambda _: None,
    **env: str,
) -> int:
    """`run` gets the role, a token and the mode, and says whether all is well; `prepare` comes
    before the others are asked at rest. `width` is that of the columns before theirs. The exit code
    of a bench: 0 if all was well in every mode.
    """
    is_well = True
    for mode in modes.split(","):
        with ExitStack() as ended:
            folder = Path(ended.enter_context(tempfile.TemporaryDirectory()))
            server = ended.enter_context(RedisProc(folder))
            processes = Roles()
            ended.callback(processes.end)
            web = Web(processes, server.url, folder, ASYNC_MODE=mode, **env)
            with server.client() as redis:
                token = token_of(redis, scope="write")
                prepare(redis)
            print(f"{mode}: p50, p99 and max in ms of the others' answers")
            with Watchers(web, token) as watchers:
                time.sleep(REST_S)
            print(f"  {'at rest':{width}}{watchers.said()}", flush=True)
            is_well = run(web, token, mode) and is_well
    return 0 if is_well else 1

"""Fixtures for clients: one server, as users run it, that both files of tests share.

Never here: assertions.
Invariant: it is the same process for all of them, unless a test restarts it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisProc
from tests.support.role_processes import ended
from tests.support.web_process import Web


@pytest.fixture(scope="session")
def web(redis_server: RedisProc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    with ended() as processes:
        yield Web(processes, redis_server.url, folder)

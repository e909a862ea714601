"""A stream of `/data` over a real connection, in every way of serving: whole, or seen to be cut.

Never here: what the forms look like (`test_data_answers`).
Invariant: a reader who was not told of an end has not been given all.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.stored_minutes import store_minutes
from tests.support.web_process import HOURS, Web, bearer, token_of
from truecandle.web.read_turns import READS_AT_ONCE

COUNT = 30_000
PATH = "/data?symbol=BTCUSDT&interval=1m&limit=all&format="


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_a_stream_is_whole_or_seen_to_be_cut_off(
    processes: Roles, tmp_path: Path, mode: str
) -> None:
    with RedisProc(tmp_path) as server:
        store_minutes(server.client(), COUNT)
        web = Web(processes, server.url, tmp_path / "web", ASYNC_MODE=mode)
        asked = {**bearer(token_of(server.client())), "Accept-Encoding": "identity"}
        assert len(web.get(f"{PATH}rows", headers=asked).json()) == COUNT
        for _ in range(READS_AT_ONCE + 1):  # whoever leaves early keeps no turn
            with requests.get(
                f"{web.url}{PATH}csv", headers=asked, stream=True, timeout=20
            ) as left:
                assert next(left.iter_content(1 << 10))
        assert web.get(HOURS, headers=asked).status_code == 200
        with requests.get(f"{web.url}{PATH}csv", headers=asked, stream=True, timeout=20) as answer:
            chunks = answer.iter_content(1 << 14)
            next(chunks)
            server.kill()
            with pytest.raises(requests.RequestException):
                list(chunks)

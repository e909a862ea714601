"""What a stored candle takes of Redis' memory, written as the fetcher writes it.

    .venv/bin/python -m bench.stored_bytes [--candles 200000]

Never here: reading (`data_reads`), ways that the product has not (`storage_ways`).
Invariant: no two candles alike; what the empty server takes is not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from redis import Redis

from bench.parts.stored_minutes import store_minutes
from bench.parts.targets import Figures, Found, Target, judge
from tests.support.redis_server import RedisProc

CANDLES = 200_000
TARGETS = {
    "bytes": Target("Redis' memory, a candle of a long history", "B", 16.5, at_most=True),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--candles", type=int, default=CANDLES)
    return judge(TARGETS, measured(parser.parse_args().candles))


def short() -> Figures:
    """For `make bench`: ten seconds."""
    return measured(CANDLES)


def measured(count: int) -> Figures:
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisProc(Path(folder)) as server,
        server.client() as redis,
    ):
        before, began_s = used_bytes(redis), time.monotonic()
        store_minutes(redis, count)
        each = (used_bytes(redis) - before) / count
        print(f"{count:,} candles in {time.monotonic() - began_s:.1f} s: {each:.1f} B each")
        return {"bytes": Found(each)}


def used_bytes(redis: Redis) -> int:
    info: Any = redis.info("memory")
    return int(info["used_memory"])


if __name__ == "__main__":
    sys.exit(main())

"""What reading a long range in one answer takes: seconds, bytes, memory; and is it exact?

    python -m bench.long_ranges [--candles 1000000] [--mode eventlet]

Stores so many candles, no two alike, and reads all of them with all fields in each format from one
web process, while somebody else asks for `/healthz` ten times a second. Prints a line each: size,
seconds, the process's memory (before and at most so far), the others' longest wait. What came as
CSV is compared with what is stored, and Arrow and Parquet with the CSV. Exits with 1 if anything
differs, or if text took more than `TEXT_MB_MAX` of memory.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import requests
from redis import Redis

from bench.parts.machine import memory_mb
from bench.parts.targets import Figures, Found, Target
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.web_process import Web, bearer, token_of
from truecandle.candles.candle import OfficialCandle
from truecandle.candles.series import parse_series
from truecandle.store import official

SERIES = parse_series("BTCUSDT", "1m")
FIRST_MS = 1_500_000_000_000 // 60_000 * 60_000
CANDLES = 1_000_000
CHUNK = 10_000
TEXT_MB_MAX = 20.0
FORMATS = ("csv", "rows", "ndjson", "arrow", "parquet")
TARGETS = {
    "memory": Target("a million candles in one answer (CSV), memory more", "MB", 100, at_most=True),
    "seconds": Target("the same, time", "s"),
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--candles", type=int, default=CANDLES)
    parser.add_argument("--mode", default="eventlet")
    asked = parser.parse_args()
    wrong, _ = measured(asked.candles, asked.mode, FORMATS)
    print("all equal" if not wrong else f"differs: {', '.join(wrong)}")
    return 1 if wrong else 0


def short() -> Figures:
    """For `make bench`: one format, half a minute."""
    wrong, found = measured(CANDLES, "eventlet", FORMATS[:1])
    assert not wrong, wrong
    return found


def measured(count: int, mode: str, forms: Sequence[str]) -> tuple[list[str], Figures]:
    """What is wrong, and what the first format took."""
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        redis = server.client()
        store(redis, count)
        processes = Roles()
        try:
            web = Web(processes, server.url, Path(folder), ASYNC_MODE=mode)
            return measure(web, bearer(token_of(redis)), count, forms)
        finally:
            processes.end()


def candle(number: int) -> OfficialCandle:
    open_ms = FIRST_MS + number * 60_000
    base = 40_000 + number % 977
    return OfficialCandle(
        open_ms, f"{base}.1", f"{base + 1000}", f"{base - 1000}.00000001", f"{base}.25",
        f"{number + 1}.12345678", open_ms + 59_999, f"{number}.5", number % 500, "1.5", "2.25",
    )  # fmt: skip


def store(redis: Redis, count: int, begin: int = 0) -> None:
    """Those with the numbers from `begin` up to `count`, at whatever time the last one closes."""
    now_ms = max(int(time.time() * 1000), FIRST_MS + count * 60_000)
    for first in range(begin, count, CHUNK):
        some = [candle(number) for number in range(first, min(first + CHUNK, count))]
        official.upsert_klines(redis, SERIES, some, now_ms=now_ms, settle_ms=0)


def measure(
    web: Web, headers: dict[str, str], count: int, forms: Sequence[str]
) -> tuple[list[str], Figures]:
    before_mb, wrong = memory_mb(web.role.pid), []
    found: dict[str, bytes] = {}
    figures: dict[str, Found] = {}
    for form in forms:
        stop, waits = threading.Event(), [0.0]
        other = threading.Thread(target=watch, args=(web, stop, waits))
        other.start()
        began_s = time.monotonic()
        found[form] = read(web, headers, form)
        took_s = time.monotonic() - began_s
        stop.set()
        other.join()
        most_mb = memory_mb(web.role.pid, "VmHWM")
        print(
            f"{form:8} {len(found[form]) / 1e6:7.1f} MB {took_s:6.1f} s  memory {before_mb:.0f} → "
            f"{most_mb:.0f} MB  others waited {max(waits) * 1000:.0f} ms at most",
            flush=True,
        )
        figures = figures or {"memory": Found(most_mb - before_mb), "seconds": Found(took_s)}
        if form == "ndjson" and most_mb - before_mb > TEXT_MB_MAX:
            wrong.append("memory of text")
    return wrong + differing(found, count), figures


def read(web: Web, headers: dict[str, str], form: str) -> bytes:
    path = f"/data?symbol=BTCUSDT&interval=1m&limit=all&fields=all&time=ms&format={form}"
    asked = {**headers, "Accept-Encoding": "identity"}
    with requests.get(web.url + path, headers=asked, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        return b"".join(answer.iter_content(1 << 16))


def watch(web: Web, stop: threading.Event, waits: list[float]) -> None:
    while not stop.wait(0.1):
        began_s = time.monotonic()
        web.get("/healthz")
        waits.append(time.monotonic() - began_s)


def differing(found: dict[str, bytes], count: int) -> list[str]:
    """Which of those that were read are not what was stored."""
    expected = [candle(number).member()[1:-3].encode() for number in range(count)]
    wrong = [] if found["csv"].splitlines()[1:] == expected else ["csv"]
    if found.get("rows", b"") not in (b"", b"[[" + b"],[".join(expected) + b"]]"):
        wrong.append("rows")
    if "arrow" not in found:
        return wrong
    arrow = pa.ipc.open_stream(found["arrow"]).read_all()
    if not arrow.equals(pq.read_table(io.BytesIO(found["parquet"]))):
        wrong.append("parquet")
    volumes: list[Any] = arrow.column("volume").to_pylist()
    if volumes != [Decimal(f"{number + 1}.12345678") for number in range(count)]:
        wrong.append("arrow")
    return wrong


if __name__ == "__main__":
    sys.exit(main())

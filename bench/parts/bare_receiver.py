"""The yardstick of `feed_load`: splits frames and parses JSON, nothing else.

    python -m bench.parts.bare_receiver ws://127.0.0.1:9000 50 1s,1m 15

Prints how many messages came within so many seconds, and the CPU time that took, in s.
"""

from __future__ import annotations

import sys
import time

import orjson
import websocket

from bench.parts.busy_exchange import symbols_of


def main(url: str, markets: str, intervals: str, seconds: str) -> int:
    ws = websocket.create_connection(f"{url}/stream", timeout=30)
    streams = ["aggTrade", *(f"kline_{name}" for name in intervals.split(","))]
    names = [f"{one.lower()}@{stream}" for one in symbols_of(int(markets)) for stream in streams]
    ws.send(orjson.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}).decode())
    sock, held, messages = ws.sock, b"", 0
    assert sock
    end_s, cpu_s = time.monotonic() + float(seconds), time.process_time()
    while time.monotonic() < end_s:
        held += sock.recv(1 << 16)
        at = 0
        while len(held) - at > 4:
            size, head = held[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(held[at + 2 : at + 4], "big"), 4
            if len(held) < at + head + size:
                break
            orjson.loads(held[at + head : at + head + size])
            at += head + size
            messages += 1
        held = held[at:]
    print(messages, time.process_time() - cpu_s)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

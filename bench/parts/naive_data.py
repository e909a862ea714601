"""The yardstick of `data_reads`: `/data` as one would write it first, on the same eventlet.

    python -m bench.parts.naive_data PORT REDIS_URL

Reads the newest rows of a series, parses each, makes floats of the prices and ISO texts of the
times, and gives them to `jsonify`. No account, no check, no limit, no log. Its socket has no Nagle,
and head and body leave together, as ours do: only the answer is compared.
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from datetime import UTC, datetime  # noqa: E402

from eventlet import wsgi  # noqa: E402
from flask import Flask, Response, jsonify, request  # noqa: E402
from redis import Redis  # noqa: E402

FIELDS = ("open", "high", "low", "close", "volume")


class Protocol(wsgi.HttpProtocol):  # type: ignore[misc]
    """Head and body in one piece."""

    wbufsize = 1 << 20

    def log_message(self, *_: object) -> None:
        pass


def create(url: str) -> Flask:
    app, redis = Flask("naive"), Redis.from_url(url)

    @app.get("/data")
    def data() -> Response:
        limit, before = int(request.args["limit"]), request.args.get("before")
        last = f"({before}" if before else "+inf"
        key = f"klines_z:{request.args['symbol']}:{request.args['interval']}"
        members = redis.zrevrangebyscore(key, last, "-inf", start=0, num=limit)
        rows = [json.loads(member) for member in reversed(members)]  # type: ignore[arg-type]
        columns = {name: [float(row[i]) for row in rows] for i, name in enumerate(FIELDS, 1)}
        times = [
            datetime.fromtimestamp(row[0] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            for row in rows
        ]
        return jsonify(time=times, count=len(rows), **columns)

    return app


def main(port: str, url: str) -> None:
    sock = eventlet.listen(("127.0.0.1", int(port)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print("naive: listening", flush=True)
    wsgi.server(sock, create(url), protocol=Protocol, log_output=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

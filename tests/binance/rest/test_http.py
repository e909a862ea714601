"""One request over HTTP to a server that does what it wants: bounded, and nobody is followed.

Never here: what the bytes mean (`test_parsing`), candles.
Invariant: no answer takes longer, or more memory, than was allowed.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import redis as redis_py
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from truecandle.binance.rest.client import RestClient
from truecandle.binance.rest.http import BODY_BYTES_MAX
from truecandle.errors import (
    ExchangeUnreachable,
    MalformedAnswer,
    StoreUnavailable,
)
from truecandle.sim.server import SimServer
from truecandle.store import connect
from truecandle.store.budget import Budget

LOOPBACK = IPv4Address("127.0.0.1")


@contextmanager
def answering(
    answer: Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """A server on loopback that does to every request what the test says."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_headers_that_drip_are_cut_at_the_deadline_too(redis: redis_py.Redis) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1_000:
            try:
                request.wfile.write(bytes([byte]))
            except OSError:
                return
            time.sleep(0.02)

    with answering(drip) as url:
        client = RestClient(url, Budget(redis), deadline_s=0.4)
        with pytest.raises(ExchangeUnreachable, match="in time"):
            client.server_time()
        client.close()


def test_a_body_without_end_is_cut_after_four_megabytes(redis: redis_py.Redis) -> None:
    sent = []

    def flood(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        for _ in range(200):
            try:
                sent.append(request.wfile.write(b" " * 500_000))
            except OSError:
                return

    with answering(flood) as url:
        client = RestClient(url, Budget(redis))
        with pytest.raises(MalformedAnswer):
            client.server_time()
        client.close()
    assert sum(sent) < 100_000_000
    assert BODY_BYTES_MAX == 4 * 1024 * 1024


def test_a_redirect_is_not_followed(redis: redis_py.Redis) -> None:
    visited = []

    def redirect(request: BaseHTTPRequestHandler) -> None:
        visited.append(request.path)
        request.send_response(302)
        request.send_header("Location", "/elsewhere")
        request.send_header("Content-Length", "0")
        request.end_headers()

    with answering(redirect) as url:
        client = RestClient(url, Budget(redis))
        with pytest.raises(MalformedAnswer):
            client.server_time()
        client.close()
    assert visited == ["/api/v3/time"]


def test_nobody_there_ends_in_seconds(redis: redis_py.Redis) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        client = RestClient(url, Budget(redis))
        with pytest.raises(ExchangeUnreachable):
            client.server_time()
        client.close()


def test_a_name_that_does_not_resolve_is_an_outage(redis: redis_py.Redis) -> None:
    client = RestClient("https://exchange.invalid", Budget(redis))
    with pytest.raises(ExchangeUnreachable):
        client.server_time()
    client.close()


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS, vouched for by itself alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "both.pem").write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(
    redis: redis_py.Redis, tmp_path: Path
) -> None:
    asked: list[str] = []
    with answering(lambda request: asked.append(request.path), self_signed(tmp_path)) as url:
        client = RestClient(url, Budget(redis))
        with pytest.raises(ExchangeUnreachable, match=r"(?i)certificate"):
            client.server_time()
        client.close()
    assert asked == []


def test_no_request_leaves_while_redis_is_away() -> None:
    with SimServer(["BTCUSDT"]) as sim, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        redis = connect(f"redis://127.0.0.1:{closed.getsockname()[1]}/0")
        client = RestClient(sim.rest_url, Budget(redis))
        with pytest.raises(StoreUnavailable):
            client.klines("BTCUSDT", "1m")
        client.close()
        redis.close()
        assert sim.requests() == []

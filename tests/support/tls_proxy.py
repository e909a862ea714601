"""TLS in front of a server that speaks none, with a certificate of an authority of the test's own.

The server of the tests is built without TLS; what speaks to it through here has done a real
handshake, and has checked, or not, whom it speaks to.

Never here: assertions; what is said.
Invariant: everything is passed on as it came, and ends with the object.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CHUNK = 65_536


def make_authority(folder: Path, name: str, address: str = "127.0.0.1") -> tuple[Path, Path]:
    """The certificate of a new authority, and a file with a server's certificate by it for this
    address or name and its key."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate(name, name, ca_key, ca_key, is_ca=True, address=None)
    own = _certificate(f"{name} server", name, key, ca_key, is_ca=False, address=address)
    ca_file, server_file = folder / f"{name}-ca.pem", folder / f"{name}-server.pem"
    pem = serialization.Encoding.PEM
    ca_file.write_bytes(ca.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server_file.write_bytes(secret + own.public_bytes(pem))
    return ca_file, server_file


class TlsProxy:
    """`with TlsProxy(certificate, port) as proxy:` listens with TLS on `proxy.port`, in a thread of
    its own, and passes on to `port`."""

    def __init__(self, certificate: Path, port: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._links: set[asyncio.StreamWriter] = set()
        self.port = 0

    def __enter__(self) -> TlsProxy:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)

    async def _close(self) -> None:
        self._server.close()
        for writer in self._links:
            writer.transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(tasks, timeout=5) if tasks else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        self._links |= {writer, to_server}
        try:
            await asyncio.gather(_pass(reader, to_server), _pass(from_server, writer))
        finally:
            self._links -= {writer, to_server}


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(CHUNK):
            sink.write(chunk)
            await sink.drain()
    except (OSError, ssl.SSLError):
        pass
    finally:
        sink.close()


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
    address: str | None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if address is not None:
        is_name = address[-1].isalpha()
        one = x509.DNSName(address) if is_name else x509.IPAddress(ip_address(address))
        names = x509.SubjectAlternativeName([one])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())

"""An nginx in front of web processes, by the example files of `docs/proxies`.

Never here: assertions; a configuration of our own: only ports, the name and where files lie differ.
Invariant: it listens on loopback, and everything that it writes lies in one folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.role_processes import Role, Roles
from tools import nginx

EXAMPLES = ROOT / "docs" / "proxies"
NAME = "charts.example"
HOST = "localhost"


class ReverseProxy:
    """One nginx; `start` it once its web processes listen."""

    def __init__(self, example: str, folder: Path, *, is_tls: bool) -> None:
        self.is_tls = is_tls
        self.port = free_port()
        self.url = f"{'https' if is_tls else 'http'}://{HOST}:{self.port}"
        self._example = (EXAMPLES / example).read_text(encoding="utf-8")
        self._folder = folder
        #: What it proves itself by; signed by itself.
        self.certificate = folder / "certificate.pem"

    def start(self, processes: Roles, backends: Sequence[int]) -> Role:
        path, main = nginx.find(), self._folder / "main.conf"
        assert path, "no nginx: `make test` installs one"
        (self._folder / "site.conf").write_text(self.site(backends), encoding="utf-8")
        main.write_text(self._main(), encoding="utf-8")
        role = Role("nginx", [path, "-p", str(self._folder), "-c", str(main)], os.environ)
        processes.all.append(role)
        return role

    def site(self, backends: Sequence[int]) -> str:
        """The example with these ports, this name and this certificate; without TLS if so asked."""
        key, certificate = self._folder / "key.pem", self.certificate
        _sign(key, certificate)
        text = self._example.replace(f"server_name {NAME}", f"server_name {HOST}")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
        servers = "".join(f"server 127.0.0.1:{port};\n" for port in backends)
        text = text.replace("server 127.0.0.1:5000;", servers)
        ssl = " ssl" if self.is_tls else ""
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port}{ssl};")
        text = text.replace(f"/etc/ssl/{NAME}.pem", str(certificate))
        text = text.replace(f"/etc/ssl/{NAME}.key", str(key))
        if not self.is_tls:
            text = re.sub(r"^ *ssl_certificate.*\n", "", text, flags=re.M)
        return text

    def _main(self) -> str:
        places = "".join(
            f"{kind}_temp_path {self._folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        return (
            f"daemon off;\n{user}\nworker_processes 1;\npid {self._folder}/nginx.pid;\n"
            f"error_log stderr warn;\nevents {{}}\nhttp {{\naccess_log off;\n{places}"
            f"include {self._folder}/site.conf;\n}}\n"
        )


def _sign(key_file: Path, certificate: Path) -> None:
    """Makes a key, and a certificate that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    certificate.write_bytes(signed.public_bytes(pem))

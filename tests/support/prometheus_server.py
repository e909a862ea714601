"""A real Prometheus that scrapes a web role, by the files of `deploy/prometheus`.

Never here: assertions; a configuration of our own: only the address and where files lie differ.
Invariant: it listens on loopback, and everything that it writes lies in one folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.support.loopback_ports import free_port
from tests.support.monitoring_files import ALERTS, CONFIG
from tests.support.project_files import ROOT
from tests.support.role_processes import Role, Roles
from tools import prometheus

#: Where the container has what it reads, and what stands there.
TOKEN, TARGET, RULES = "/run/secrets/metrics_token", "web:5000", "/etc/prometheus/alerts.yml"
ASKED_S = 10.0


def program(name: str) -> str:
    """Path of `prometheus` or `promtool`."""
    path = prometheus.find(name)
    assert path, f"no {name}: `make test` unpacks one"
    return path


def adapted(folder: Path, target: str, token: str) -> Path:
    """Our configuration in that folder, for a web role at `target` (`HOST:PORT`)."""
    (folder / "token").write_text(token, encoding="utf-8")
    text = CONFIG.read_text(encoding="utf-8")
    for there, here in ((TOKEN, folder / "token"), (TARGET, target), (RULES, ALERTS)):
        assert text.count(there) == 1, there
        text = text.replace(there, str(here))
    path = folder / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    return path


class PrometheusServer:
    """One Prometheus with the compose file's options; `start` it, then ask it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, processes: Roles, target: str, token: str) -> Role:
        config = adapted(self._folder, target, token)
        services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        places = {
            "--config.file": str(config),
            "--storage.tsdb.path": str(self._folder / "series"),
        }
        given = dict(one.split("=") for one in services["prometheus"]["command"])
        options = [f"{name}={value}" for name, value in (given | places).items()]
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        command = [program("prometheus"), *options, listen, "--log.level=warn"]
        role = Role("prometheus", command, os.environ)
        processes.all.append(role)
        return role

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=ASKED_S).status_code == 200
        except requests.ConnectionError:
            return False

    def ask(self, path: str, **query: str) -> Any:
        """What `/api/v1/PATH` answers, its `data`; an expression that is none fails."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=query, timeout=ASKED_S)
        body = answer.json()
        assert body["status"] == "success", body
        return body["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression has now: `metric` (labels), `value` (s, text)."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

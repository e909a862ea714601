"""What everybody else notices of a hostile client: answers to two who ask, the log, the memory.

Never here: what the hostile client does.
Invariant: whoever asks gives up after `DEAF_MAX_S`.
"""

from __future__ import annotations

import threading
import time

import requests

from tests.support.web_process import HOURS, Web, bearer

DEAF_MAX_S = 60.0
EVERY_S = 0.05


class Watchers:
    """Two who ask for `/healthz` and `/data`, 20 times a second each; `took_s` are their times."""

    def __init__(self, web: Web, token: str) -> None:
        self.took_s: list[float] = []
        self.failures = 0
        self._web, self._token = web, token
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(path,)) for path in ("/healthz", HOURS)
        ]

    def __enter__(self) -> Watchers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, path: str) -> None:
        with requests.Session() as session:
            while not self._over.wait(EVERY_S):
                began_s = time.monotonic()
                try:
                    answer = session.get(
                        self._web.url + path, headers=bearer(self._token), timeout=DEAF_MAX_S
                    )
                    self.failures += answer.status_code != 200
                except requests.RequestException:
                    self.failures += 1
                self.took_s.append(time.monotonic() - began_s)

    def said(self) -> str:
        took_ms = sorted(1000 * one for one in self.took_s)
        p50, p99 = (took_ms[int(share * (len(took_ms) - 1))] for share in (0.5, 0.99))
        return f"{p50:6.0f} {p99:7.0f} {took_ms[-1]:7.0f}  {self.failures:4d} failed"


def log_bytes(web: Web) -> int:
    lines = list(web.role.lines)
    return sum(len(line) + 1 for line in lines if "truecandle.web.access" not in line)

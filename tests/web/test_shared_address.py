"""The warning that all users share one address: said once, and only with good reason.

Never here: whose word is believed (`test_forwarded`).
Invariant: it is looked for where an operator would see it, in `/readyz` and in the log.
"""

from __future__ import annotations

import logging

import pytest
from redis import Redis

from tests.support.web_app import Browser, build, issue, said
from truecandle.config import Settings, read_settings
from truecandle.web.shared_address import ARRIVALS, SharedAddress


def arrived(watch: SharedAddress, address: str, *, is_forwarded: bool = True) -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/socket.io/", "REMOTE_ADDR": address}
    watch.note(environ, is_forwarded=is_forwarded)


def told(addresses: list[str], *, is_forwarded: bool = True) -> list[str]:
    watch = SharedAddress()
    for address in addresses:
        arrived(watch, address, is_forwarded=is_forwarded)
    return watch.warnings()


def test_many_from_one_private_address_that_passes_others_on_are_a_reason() -> None:
    (warning,) = told(["172.18.0.5"] * ARRIVALS)
    assert "172.18.0.5" in warning and "TRUSTED_PROXIES=172.18.0.5" in warning


def test_few_or_different_or_public_or_plain_ones_are_none() -> None:
    assert told(["172.18.0.5"] * (ARRIVALS - 1)) == []
    assert told(["172.18.0.5"] * ARRIVALS + ["198.51.100.7"]) == []
    assert told(["203.0.113.9", "198.51.100.7"] * ARRIVALS) == []
    assert told(["8.8.8.8"] * ARRIVALS) == []
    assert told(["172.18.0.5"] * ARRIVALS, is_forwarded=False) == []
    assert told(["unknown"] * ARRIVALS) == []


def test_operators_are_told_in_readyz_and_once_in_the_log(
    settings: Settings, redis: Redis, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    app = build(settings)
    client, headers = app.test_client(), {"X-Forwarded-For": "198.51.100.7"}
    with caplog.at_level(logging.WARNING, "truecandle.web.forwarded"):
        for _ in range(2 * ARRIVALS):
            client.post("/login", headers=headers)
    report = said(client.get("/readyz", headers=issue(redis)))
    assert [line for line in report["warnings"] if "TRUSTED_PROXIES=127.0.0.1" in line]
    lines = [record for record in caplog.records if "TRUSTED_PROXIES" in record.getMessage()]
    assert len(lines) == 1
    trusting = build(
        settings, trusted_proxies=read_settings({"TRUSTED_PROXIES": "127.0.0.1"}).trusted_proxies
    ).test_client()
    for _ in range(2 * ARRIVALS):
        trusting.post("/login", headers=headers)
    report = said(trusting.get("/readyz", headers=issue(redis)))
    assert not [line for line in report["warnings"] if "TRUSTED_PROXIES" in line]

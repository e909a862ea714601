"""A whole system as an operator runs it: JSON logs, metrics for the dashboard, webhooks, kills.

Never here: single lines (`tests/test_log_lines.py`), what a sender does (`tests/webhooks`).
Invariant: real roles, each a user of Redis of its own, and a receiver of webhooks on a real socket;
what it was told is compared with what the exchange knows to be right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.monitoring_files import metrics_asked_for, metrics_shown
from tests.support.redis_users import users_server
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.webhook_receiver import SECRET, Told, WebhookReceiver
from tests.support.whole_system import COMMANDS, System

SECOND_MS = 1_000


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


@pytest.fixture
def system(tmp_path: Path, processes: Roles, receiver: WebhookReceiver) -> Iterator[System]:
    with users_server(tmp_path) as served:
        whole = System(
            tmp_path, processes, "BTCUSDT", users=served, LOG_FORMAT="json",
            WEBHOOK_URLS=receiver.url, WEBHOOK_SECRET=SECRET, WEBHOOK_INTERVALS="1s",
        )  # fmt: skip
        whole.open()
        yield whole


def test_a_system_is_seen_through_and_its_webhooks_leave_no_hole(
    system: System, receiver: WebhookReceiver
) -> None:
    """Given a receiver that refuses for a while, and a fetcher that is killed meanwhile, and once
    more at the very moment at which a message was taken."""
    wait_for_more(receiver, 3)
    receiver.answer = lambda _: 503
    wait_for(lambda: any(one.status == 503 for one in receiver.told), what="a refusal")
    restart(system)
    receiver.answer = lambda _: 200
    wait_for_more(receiver, 3)

    def kill(_: Told) -> int:
        receiver.answer = lambda _: 200
        system.kill("fetcher")
        return 200

    receiver.answer = kill
    wait_for(lambda: not system.roles["fetcher"].alive(), what="the fetcher's end")
    system.start("fetcher")
    wait_for_more(receiver, 3)
    check_told(system, receiver)
    check_metrics(system)
    for role in COMMANDS:
        lines = system.roles[role].lines
        assert lines and all(json.loads(line)["role"] == role for line in lines), lines


def restart(system: System) -> None:
    system.kill("fetcher")
    system.start("fetcher")


def wait_for_more(receiver: WebhookReceiver, more: int) -> None:
    known = len(receiver.taken)
    wait_for(lambda: len(receiver.taken) >= known + more, 60, "webhooks")


def check_told(system: System, receiver: WebhookReceiver) -> None:
    """At least once, signed, whole and right, and each candle by one id."""

    def closed() -> dict[int, Told]:
        return {one.place[2]: one for one in receiver.taken if one.kind == "candle.closed"}

    last_ms = max(closed())
    truth = system.truth("BTCUSDT", "1s", min(closed()), last_ms + SECOND_MS)
    wait_for(lambda: closed().keys() >= {row[0] for row in truth}, 60, "what came late")
    for row in truth:
        told = closed()[row[0]].data["candle"]
        assert [float(one) for one in told] == [float(one) for one in row]
    ids = {one.id for one in receiver.taken if one.kind == "candle.closed"}
    assert len(ids) == len({one.place for one in receiver.taken if one.kind == "candle.closed"})
    assert receiver.wrong == []


def check_metrics(system: System) -> None:
    """Everything that dashboard and alerts ask for is there."""
    headers = {"Authorization": f"Bearer {system.token()}"}

    def missing() -> set[str]:
        text = requests.get(f"{system.url}/metrics", headers=headers, timeout=10).text
        return metrics_asked_for() - metrics_shown(text)

    wait_for(lambda: not missing(), 60, f"metrics: {missing()}")

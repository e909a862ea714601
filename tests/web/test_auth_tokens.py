"""API tokens: what they open, and that they are judged alone.

Never here: how they are made on the command line (`test_commands`).
Invariant: a token is worth what it says, whatever cookie comes along.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from redis import Redis

from tests.support.web_app import NOW_MS, Browser, build, issue, said
from truecandle.store.accounts import Accounts
from truecandle.store.credentials import CredentialStore

HOURS = "/data?symbol=BTCUSDT&interval=1h"


def test_a_token_reads(app: Flask, redis: Redis) -> None:
    assert app.test_client().get(HOURS, headers=issue(redis)).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "bearer *", "Bearer " + "a" * 43, "Bearer ä" * 9]
)
def test_what_is_no_token_of_ours_opens_nothing(app: Flask, redis: Redis, header: str) -> None:
    issue(redis)
    sent = {"Authorization": header.encode("utf-8").decode("latin-1")}
    assert app.test_client().get(HOURS, headers=sent).status_code == 401


def test_a_request_with_both_is_judged_by_its_token(ann: Browser, redis: Redis) -> None:
    wrong = {"Authorization": "Bearer " + "a" * 43}
    assert ann.client.get(HOURS, headers=wrong).status_code == 401
    read = issue(redis, "read")
    answer = ann.client.post("/save-live-candle", json={}, headers=read)
    assert (answer.status_code, said(answer)["code"]) == (403, "scope")


def test_a_wrong_token_is_refused_even_where_reading_is_public(settings: Any) -> None:
    client = build(settings, public_reads=True).test_client()
    assert client.get(HOURS).status_code == 200
    wrong = {"Authorization": "Bearer " + "a" * 43}
    assert client.get(HOURS, headers=wrong).status_code == 401


def test_a_revoked_token_and_one_of_a_removed_user_end_at_once(app: Flask, redis: Redis) -> None:
    client, credentials = app.test_client(), CredentialStore(redis)
    first, second = issue(redis), issue(redis)
    for token in credentials.tokens()[:1]:
        assert credentials.revoke(token.id)
        assert not credentials.revoke(token.id)
    codes = sorted(client.get(HOURS, headers=t).status_code for t in (first, second))
    assert codes == [200, 401]
    Accounts(redis).remove("ann")
    Accounts(redis).add("ann", "", NOW_MS, "admin")
    assert {client.get(HOURS, headers=t).status_code for t in (first, second)} == {401}
    assert credentials.tokens() == []


def test_a_token_outlives_a_change_of_password(app: Flask, redis: Redis) -> None:
    token = issue(redis)
    Accounts(redis).set_password("ann", "another hash")
    assert app.test_client().get(HOURS, headers=token).status_code == 200


def test_a_user_has_a_bounded_number_of_tokens(redis: Redis) -> None:
    issue(redis)
    credentials = CredentialStore(redis)
    made = [credentials.issue("ann", "", "read", NOW_MS) for _ in range(100)]
    assert made[-1] is None and len(credentials.tokens()) == 100
    assert credentials.issue("nobody", "", "read", NOW_MS) is None

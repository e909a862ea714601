"""Requests and packets made by grammars, in all three modes: no error of ours, no word in the log.

Never here: what exactly is answered; `bench/web_fuzz.py` runs the same for as long as it is told.
Invariant: at least half of what is sent passes the first door, or the test says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import web_grammar
from tests.support.redis_server import RedisProc
from tests.support.web_fuzz import Fuzz
from tests.support.web_process import Web

FEW = settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.fixture(scope="module")
def fuzz(web: Web, redis_server: RedisProc) -> Iterator[Fuzz]:
    with redis_server.client() as redis:
        yield Fuzz.on(web, redis)


def test_no_request_leads_to_an_error_of_ours(fuzz: Fuzz) -> None:
    @FEW
    @given(web_grammar.requests())
    def run(sent: web_grammar.Sent) -> None:
        fuzz.request(sent)

    run()
    fuzz.assert_well()
    assert fuzz.passed > fuzz.statuses.total() / 2


def test_no_packet_leads_to_an_error_of_ours(fuzz: Fuzz) -> None:
    @FEW
    @given(web_grammar.packets, st.integers(0, 3).map(bool))
    def run(texts: list[str], is_member: bool) -> None:
        fuzz.sequence(texts, is_member)

    run()
    fuzz.assert_well()
    assert fuzz.packets[True] > fuzz.packets.total() / 2

"""How the bounds count, by a clock that the test moves."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from truecandle.web import socket_limits as limits
from truecandle.web.engine import ENGINEIO_VERSION
from truecandle.web.socket_limits import Addresses, TokenBucket, group_of


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket.full(20, 60, 0)
    assert sum(bucket.take(1, 0) for _ in range(100)) == 60
    assert sum(bucket.take(1, 0.5) for _ in range(100)) == 10
    assert sum(bucket.take(1, 1_000) for _ in range(100)) == 60


def test_what_is_borrowed_has_to_be_waited_for() -> None:
    bucket = TokenBucket.full(10, 2, 0)
    assert [bucket.borrow(1, 0) for _ in range(4)] == pytest.approx([0, 0, 0.1, 0.2])
    assert bucket.borrow(1, 0.3) == pytest.approx(0)


def test_a_page_with_twenty_series_is_far_below_the_bounds() -> None:
    assert limits.FRAMES_AT_ONCE >= 2 * (1 + 20)
    assert limits.BYTES_AT_ONCE >= 10 * (1 + 20) * 200


def test_the_oldest_stranger_makes_room_and_members_never_do() -> None:
    addresses = Addresses()
    assert addresses.enter("10.0.0.1", "member", 0) == (True, None)
    assert addresses.admit("10.0.0.1", "member", 0)
    for i in range(limits.STRANGERS_PER_ADDRESS_MAX):
        assert addresses.enter("10.0.0.1", i, 1) == (True, None)
    assert addresses.enter("10.0.0.1", "one more", 1) == (True, 0)
    assert addresses.enter("10.0.0.2", "elsewhere", 1) == (True, None)


def test_an_address_opens_so_many_connections_and_no_more() -> None:
    addresses = Addresses()
    entered = [addresses.enter("10.0.0.1", i, 0)[0] for i in range(300)]
    assert sum(entered) == limits.OPENINGS_AT_ONCE
    assert addresses.enter("10.0.0.1", "later", 1)[0]


def test_an_address_has_so_many_members_and_who_leaves_makes_room() -> None:
    addresses, most = Addresses(), limits.SOCKETS_PER_ADDRESS_MAX
    for i in range(most + 1):
        addresses.enter("10.0.0.1", i, i)
        assert addresses.admit("10.0.0.1", i, i) == (i < most)
    addresses.leave("10.0.0.1", 3)
    assert addresses.admit("10.0.0.1", most, 200)


def test_frames_of_one_address_wait_for_each_other_but_never_long() -> None:
    addresses = Addresses()
    most = limits.STRANGERS_PER_ADDRESS_MAX + limits.SOCKETS_PER_ADDRESS_MAX
    for _ in range(int(limits.ADDRESS_FRAMES_AT_ONCE)):
        assert addresses.frame("10.0.0.1", 0) == 0
    waits = [addresses.frame("10.0.0.1", 0) for _ in range(most)]
    assert 0 < max(waits) <= 1
    assert addresses.frame("10.0.0.2", 0) == 0


def test_addresses_without_a_connection_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ADDRESSES_MAX", 3)
    addresses = Addresses()
    addresses.enter("10.0.0.0", "stays", 0)
    for i in range(1, 10):
        addresses.frame(f"10.0.0.{i}", 0)
    assert len(addresses._known) <= 4 and "10.0.0.0" in addresses._known


def test_a_customers_ipv6_addresses_count_as_one() -> None:
    assert group_of("2001:db8:1:2::1") == group_of("2001:db8:1:2:ffff::9")
    assert group_of("2001:db8:1:2::1") != group_of("2001:db8:1:3::1")
    assert group_of("::ffff:10.0.0.1") == group_of("10.0.0.1") == "10.0.0.1"
    assert group_of("unknown") == "unknown"


def test_the_library_is_the_one_that_the_engine_was_written_for() -> None:
    """If this fails: read `truecandle/web/engine.py` beside the new version, then change both."""
    assert version("python-engineio") == ENGINEIO_VERSION

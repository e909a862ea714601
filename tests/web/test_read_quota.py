"""Counting reads in windows: exact at their ends, and bounded in what is remembered.

Never here: HTTP (`test_read_limit`).
Invariant: time comes in as an argument.
"""

from __future__ import annotations

from truecandle.web.read_quota import READERS_MAX, WINDOW_S, ReadCounter


def test_a_window_begins_with_its_first_read_and_holds_so_many() -> None:
    counter = ReadCounter(3)
    found = [counter.count("ann", now_s) for now_s in (100.0, 110.0, 130.5, 140.0, 159.9)]
    assert [quota.left for quota in found] == [2, 1, 0, 0, 0]
    assert [quota.is_over for quota in found] == [False, False, False, True, True]
    assert [quota.reset_s for quota in found] == [60, 50, 30, 20, 1]
    again = counter.count("ann", 100.0 + WINDOW_S)
    assert (again.left, again.is_over) == (2, False)


def test_each_reader_has_a_window_of_their_own() -> None:
    counter = ReadCounter(1)
    assert not counter.count("ann", 1.0).is_over and counter.count("ann", 1.0).is_over
    assert not counter.count("ben", 1.0).is_over


def test_it_is_told_in_the_form_of_the_draft() -> None:
    assert ReadCounter(1200).count("ann", 5.0).headers == {
        "RateLimit-Policy": '"reads";q=1200;w=60',
        "RateLimit": '"reads";r=1199;t=60',
    }


def test_of_many_readers_those_that_began_first_are_forgotten() -> None:
    counter = ReadCounter(1)
    for number in range(READERS_MAX + 1):
        counter.count(f"reader {number}", float(number) / READERS_MAX)
    assert not counter.count("reader 0", 1.5).is_over
    assert counter.count(f"reader {READERS_MAX}", 1.5).is_over

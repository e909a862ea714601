"""Turns of readers: a few at once, nobody waits for somebody else, lines end with their readers.

Never here: HTTP (`test_read_limit`, `test_answer_writer`).
Invariant: real threads wait.
"""

from __future__ import annotations

import threading

from tests.support.waiting import wait_for
from truecandle.web.read_turns import READS_AT_ONCE, ReadTurns


def test_a_reader_has_so_many_turns_at_once_and_others_have_theirs() -> None:
    turns = ReadTurns()
    assert all(turns.enter("ann", 0) for _ in range(READS_AT_ONCE))
    assert not turns.enter("ann", 0) and turns.enter("ben", 0)
    turns.leave("ann")
    assert turns.enter("ann", 0)


def test_who_waits_has_the_next_turn() -> None:
    turns, had = ReadTurns(), threading.Event()
    for _ in range(READS_AT_ONCE):
        turns.enter("ann", 0)

    def wait() -> None:
        if turns.enter("ann", 20):
            had.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not had.wait(0.05)
    turns.leave("ann")
    wait_for(had.is_set, what="the turn")
    waiting.join()


def test_a_reader_who_has_left_is_not_remembered() -> None:
    turns = ReadTurns()
    for _ in range(READS_AT_ONCE):
        turns.enter("ann", 0)
    assert not turns.enter("ann", 0)
    for _ in range(READS_AT_ONCE):
        turns.leave("ann")
    assert turns._lines == {}

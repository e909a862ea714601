"""Turns at hashing: bounded, and strangers never take the turns of who is known."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from functools import partial

import pytest

from tests.support.waiting import wait_for
from truecandle.web import hashing_queue
from truecandle.web.errors import Problem
from truecandle.web.hashing_queue import WAITING_MAX, HashingQueue, Lane


class Waiting:
    """Threads that each want a turn and keep it until they are let go."""

    def __init__(self, queue: HashingQueue, lane: Lane, count: int) -> None:
        self.has_turn = threading.Semaphore(0)
        self.done = threading.Event()
        self._queue, self._lane = queue, lane
        self.refused: list[int] = []
        self._threads = [threading.Thread(target=self._want) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _want(self) -> None:
        try:
            with self._queue.turn(self._lane):
                self.has_turn.release()
                self.done.wait(20)
        except Problem as problem:
            self.refused.append(problem.status)

    def end(self) -> None:
        self.done.set()
        for thread in self._threads:
            thread.join(20)


def test_one_is_computed_some_wait_and_all_others_are_told_so_at_once() -> None:
    crowd = Waiting(HashingQueue(), "strangers", 1 + WAITING_MAX + 3)
    try:
        wait_for(lambda: len(crowd.refused) == 3, what="those for whom there is no place")
        assert crowd.refused == [503] * 3
        assert crowd.has_turn.acquire(timeout=20)
        assert not crowd.has_turn.acquire(timeout=0.2), "one at a time"
    finally:
        crowd.end()
    assert crowd.refused == [503] * 3, "everybody else had a turn"


def test_a_crowd_of_strangers_leaves_the_lane_of_who_is_known_free() -> None:
    queue = HashingQueue()
    crowd = Waiting(queue, "strangers", 1 + WAITING_MAX + 1)
    try:
        wait_for(lambda: crowd.refused, what="a full lane")
        with pytest.raises(Problem):
            queue.check("strangers")
        queue.check("known")
        with queue.turn("known"), pytest.raises(Problem), ExitStack() as stack:
            stack.enter_context(queue.turn("strangers"))
    finally:
        crowd.end()


def test_turns_are_taken_in_the_order_of_coming() -> None:
    queue, took = HashingQueue(), list[int]()

    def want(number: int) -> None:
        with queue.turn("known"):
            took.append(number)

    def waiting(count: int) -> bool:
        return len(queue._lanes["known"]._waiting) == count

    with queue.turn("known"):
        threads = [threading.Thread(target=want, args=(n,)) for n in range(WAITING_MAX)]
        for number, thread in enumerate(threads):
            thread.start()
            wait_for(partial(waiting, number + 1), what="one more who waits")
    for thread in threads:
        thread.join(20)
    assert took == list(range(WAITING_MAX))


def test_who_waits_too_long_is_told_so_and_leaves_no_place_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashing_queue, "WAIT_S", 0.05)
    queue = HashingQueue()
    with queue.turn("known"):
        for _ in range(2 * WAITING_MAX):
            with pytest.raises(Problem), queue.turn("known"):
                pass
        queue.check("known")
    with queue.turn("known"):
        pass


def test_a_turn_that_failed_is_given_back() -> None:
    queue = HashingQueue()
    for _ in range(2 * WAITING_MAX):
        with pytest.raises(ZeroDivisionError), queue.turn("known"):
            raise ZeroDivisionError
    with queue.turn("known"):
        pass

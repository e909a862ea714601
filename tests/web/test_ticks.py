"""The loops of the web role wake it together."""

from __future__ import annotations

from truecandle.web.ticks import pause_s


def test_whenever_loops_begin_they_look_at_the_same_moments() -> None:
    for began_s in (100.0, 100.2, 100.37, 100.44):
        now_s, woken = began_s, []
        while now_s < 103:
            now_s += pause_s(0.5, now_s)
            woken.append(round(now_s, 6))
        assert woken[-5:] == [101.0, 101.5, 102.0, 102.5, 103.0]


def test_a_sleep_that_ends_a_little_early_is_not_slept_once_more() -> None:
    assert round(pause_s(0.5, 100.499), 6) == 0.501

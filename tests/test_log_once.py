"""A trouble is logged once and each minute, until it changes or all is well again."""

from __future__ import annotations

import logging

import pytest

from truecandle.errors import ExchangeUnreachable, MalformedAnswer
from truecandle.log_once import TEXT_MAX, TroubleLog

log = logging.getLogger(__name__)


def test_a_trouble_that_lasts_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    troubles = TroubleLog(log)
    for number in range(5):
        troubles.report("BTCUSDT", ExchangeUnreachable(f"no answer, {number}"))
    assert caplog.messages == ["BTCUSDT: no answer, 0"]


def test_what_lasts_is_told_again_each_minute_with_how_often_it_was_met(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now_s = 1_000.0
    troubles = TroubleLog(log, lambda: now_s)
    for _ in range(250):
        troubles.report("Redis", ExchangeUnreachable("away"))
        now_s += 0.5
    assert caplog.messages == [
        "Redis: away",
        "Redis: away (120 times since)",
        "Redis: away (120 times since)",
    ]


def test_another_trouble_is_logged_and_so_is_the_same_after_all_was_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles = TroubleLog(log)
    troubles.report("", ExchangeUnreachable("away"))
    troubles.report("", MalformedAnswer("odd"))
    assert troubles.clear("")
    assert not troubles.clear("")
    troubles.report("", MalformedAnswer("odd again"))
    assert caplog.messages == ["away", "odd", "odd again"]


def test_one_subjects_trouble_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    troubles = TroubleLog(log)
    troubles.report("BTCUSDT", ExchangeUnreachable("away"))
    troubles.report("ETHUSDT", ExchangeUnreachable("away"))
    troubles.clear("BTCUSDT")
    troubles.report("ETHUSDT", ExchangeUnreachable("away"))
    assert caplog.messages == ["BTCUSDT: away", "ETHUSDT: away"]


def test_what_others_say_is_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    TroubleLog(log).report("", MalformedAnswer("a\r\nb\x1b[31m" + "c" * 1_000))
    (line,) = caplog.messages
    assert line.startswith("a  b [31mc")
    assert len(line) == TEXT_MAX

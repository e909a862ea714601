"""Names of streams: what is offered is understood, all else refused in words that say what is.

Never here: connections (`test_connections`).
Invariant: every refusal says what is offered, or what is wrong.
"""

from __future__ import annotations

from typing import cast

import pytest
from flask import Flask

from truecandle.candles.series import parse_series
from truecandle.web.services import EXTENSION, Services
from truecandle.web.stream_names import AggTrades, StreamRefused, parse_stream


def test_what_is_not_offered_is_refused_with_the_reason_and_what_is(
    app: Flask,
) -> None:
    markets = cast(Services, app.extensions[EXTENSION]).markets
    assert parse_stream("btcusdt@kline_1m", markets, "a reason") == parse_series("BTCUSDT", "1m")
    assert parse_stream("btcusdt@aggTrade", markets, "") == AggTrades("BTCUSDT")
    both = "offered: <symbol>@kline_<interval>, <symbol>@aggTrade"
    for name, why_none, why in (
        ("btcusdt@aggTrade", "reason", "(reason); offered: <symbol>@kline_<interval>"),
        ("btcusdt@trade", "", f"'@trade' is not offered here; {both}"),
        ("btcusdt@aggtrade", "", f"'@aggtrade' is not offered here; {both}"),
        ("!miniTicker@arr", "", "small letters"),
        ("dogeusdt@aggTrade", "", "DOGEUSDT is not followed here"),
    ):
        with pytest.raises(StreamRefused) as refused:
            parse_stream(name, markets, why_none)
        assert str(refused.value).endswith(why) or why in str(refused.value), name

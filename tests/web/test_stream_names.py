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


def test_trades_are_offered_where_they_are_kept_and_the_setting_is_named_where_not(
    app: Flask,
) -> None:
    markets = cast(Services, app.extensions[EXTENSION]).markets
    assert parse_stream("btcusdt@kline_1m", markets, 0) == parse_series("BTCUSDT", "1m")
    assert parse_stream("btcusdt@aggTrade", markets, 1) == AggTrades("BTCUSDT")
    both = "offered: <symbol>@kline_<interval>, <symbol>@aggTrade"
    for name, kept, why in (
        ("btcusdt@aggTrade", 0, "TRADES_KEPT is 0); offered: <symbol>@kline_<interval>"),
        ("btcusdt@trade", 9, f"'@trade' is not offered here; {both}"),
        ("btcusdt@aggtrade", 9, f"'@aggtrade' is not offered here; {both}"),
        ("!miniTicker@arr", 9, "small letters"),
        ("dogeusdt@aggTrade", 9, "DOGEUSDT is not followed here"),
    ):
        with pytest.raises(StreamRefused) as refused:
            parse_stream(name, markets, kept)
        assert str(refused.value).endswith(why) or why in str(refused.value), name

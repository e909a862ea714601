"""The examples of `docs/rest.md` run as they stand, one after the other, against a server.

Never here: what the answers hold in detail (`tests/web`).
Invariant: no example is left out.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.support.project_files import ROOT
from tests.support.public_clients import BinanceAPIException
from tests.support.served_app import served
from tests.support.web_app import Time, build, issue, store_hours
from truecandle.candles.instrument import Instrument
from truecandle.config import Settings
from truecandle.store import markets
from truecandle.store.markets import FollowedMarket

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs" / "rest.md").read_text(encoding="utf-8"), re.M | re.S
)
assert issubclass(BinanceAPIException, Exception)  # its library is imported with its warnings off


def test_every_example_says_what_it_should(
    redis: Redis, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(redis_url=redis_url, async_mode="threading", var_dir=tmp_path)
    markets.followed(redis, settings.symbols)
    known = Instrument("BTCUSDT", "TRADING", "BTC", "USDT", "0.01", "0.00001")
    markets.update(redis, [FollowedMarket(known, checked_ms=1)])
    opens = store_hours(redis, 24)
    loop = asyncio.new_event_loop()  # python-binance would make one, and leave it open
    asyncio.set_event_loop(loop)
    token = issue(redis)["Authorization"].removeprefix("Bearer ")
    with served(build(settings, Time())) as url:
        names: dict[str, Any] = {"URL": url, "TOKEN": token}
        told = []
        for example in EXAMPLES:
            exec(compile(example, "docs/rest.md", "exec"), names)
            told.append(capsys.readouterr().out.strip())
        names["session"].close()
    asyncio.set_event_loop(None)
    loop.close()
    assert told[0].splitlines()[-1] == "2024-01-01T19:00:00.000Z 42050.01"
    assert told[1] == "traded: 296.29608"
    assert told[2] == "24 decimal128(38, 18)"
    assert told[3] == "20 candles"
    assert told[4] == "200 304"
    assert str(opens[-1]) in told[5] and "42050.01" in told[5]
    assert str(opens[-1]) in told[6] and "'42050.01000000'" in told[6]
    assert len(told) == 7

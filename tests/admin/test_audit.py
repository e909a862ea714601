"""`flask audit`, as an operator types it.

Never here: the arithmetic (`tests/candles/test_audit.py`), the REST answer (`tests/web`).
Invariant: what is printed is what is recorded.
"""

from __future__ import annotations

import click
import redis as redis_py
from click.testing import CliRunner, Result

from tests.support.audit_entries import MINUTE, entry
from tests.support.driven_fetcher import MINUTES
from truecandle import admin
from truecandle.candles.instrument import Instrument
from truecandle.config import Settings
from truecandle.store import audit, markets


def run(redis_url: str, command: str) -> Result:
    """A `flask` command, without Flask."""
    cli = click.Group()
    settings = Settings(redis_url=redis_url, symbols=("BTCUSDT",), intervals=("1m", "1h"))
    admin.init_app(cli, settings, {})
    return CliRunner().invoke(cli, command.split())


def test_the_command_prints_a_table_of_all_markets(redis: redis_py.Redis, redis_url: str) -> None:
    audit.record(redis, MINUTES, [entry(3), entry(2), entry(1, close="8.54")])
    result = run(redis_url, "audit")
    assert result.exit_code == 0, result.output
    rows = {line.split()[1]: line for line in result.output.splitlines() if "BTCUSDT" in line}
    cells = [cell.strip() for cell in rows["BTCUSDT:1m"].strip("│").split("│")]
    assert cells == ["BTCUSDT:1m", "3", "66.6666 %", "0", "3", "0", "3.000", "3.000"]
    assert "–" in rows["BTCUSDT:1h"]


def test_the_command_lists_markets_that_were_added_since_the_start(
    redis: redis_py.Redis, redis_url: str
) -> None:
    markets.followed(redis, ("BTCUSDT",))
    markets.follow(
        redis, markets.FollowedMarket(Instrument("SOLUSDT", tick_size="0.01"), added_ms=MINUTE)
    )
    output = run(redis_url, "audit").output
    assert "BTCUSDT:1m" in output and "SOLUSDT:1h" in output


def test_the_command_explains_one_market(redis: redis_py.Redis, redis_url: str) -> None:
    audit.record(redis, MINUTES, [entry(2), entry(1, close="8.54")])
    output = run(redis_url, "audit BTCUSDT 1m").output
    assert "2 candles shown live, 1 exact (50 %)" in output
    assert "A tick is 0.01 (source: official prices)" in output
    (close,) = [line for line in output.splitlines() if "│ close" in line]
    assert [cell.strip() for cell in close.strip("│").split("│")][1:3] == ["1", "3"]
    assert "2024-08-08 11:59:00" in output
    assert "close +0.03" in output


def test_the_command_says_what_is_wrong_or_missing(redis: redis_py.Redis, redis_url: str) -> None:
    assert "No candle of BTCUSDT:1h" in run(redis_url, "audit BTCUSDT 1h").output
    for wrong, told in (
        ("BTCUSDT", "both SYMBOL and INTERVAL"),
        ("BTCUSDT 7m", "interval is '7m'"),
    ):
        result = run(redis_url, f"audit {wrong}")
        assert result.exit_code != 0
        assert told in result.output
        assert "Traceback" not in result.output

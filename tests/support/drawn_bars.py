"""What the page holds and its chart draws, against what `/data` answers.

Never here: waiting (`waiting`), the exchange's own truth (`whole_system`).
Invariant: every official candle that the page holds is compared, not a sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.whole_system import System, ask

if TYPE_CHECKING:
    from playwright.sync_api import Page


def drawn_is_true(
    page: Page, system: System, interval: str = "1m", symbol: str = "BTCUSDT"
) -> bool:
    """Whether all bars that the page holds, and those that its chart draws, are `/data`'s."""
    bars = page.evaluate("truecandle.bars().filter((bar) => bar.state === 'final')")
    drawn = page.evaluate("truecandle.drawn().history")
    rows: dict[int, tuple[float, ...]] = {}
    before: dict[str, str] = {}
    while not rows or min(rows) > bars[0]["time"]:
        answer = ask(
            system, "/data", symbol=symbol, interval=interval, time="ms", limit="5000", **before
        )
        if not answer["time"]:
            break
        columns = (answer[name] for name in ("open", "high", "low", "close", "volume"))
        rows |= dict(zip(answer["time"], zip(*columns, strict=True), strict=True))
        before = {"before": str(answer["time"][0])}
    names = ("open", "high", "low", "close", "volume")
    wanted = {time: row for time, row in rows.items() if time >= bars[0]["time"]}
    is_held = {bar["time"]: tuple(bar[name] for name in names) for bar in bars} == wanted
    return bool(is_held) and all(
        tuple(bar[name] for name in names[:4]) == wanted[bar["time"]][:4] for bar in drawn
    )

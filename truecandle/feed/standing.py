"""Candles that stand still while their market trades, by what the store has taken of them.

Whatever the cause: a market whose shown close is older than its newest trade is not live.

Never here: why, a clock (seconds that only grow come in), saving (`outbox`).
Invariant: what is merely on its way is not called standing.
"""

from __future__ import annotations

from collections.abc import Mapping

#: A trade is in the stored candles within half a second; one joined midway waits 3 s for its kline.
STILL_S = 5.0


class Standing:
    """The series of one market: `look` at them about every second."""

    def __init__(self) -> None:
        #: Interval -> how far its stored candle had come, and since when trades are further.
        self._since: dict[str, tuple[int, float]] = {}

    def look(self, trade_ms: int | None, shown: Mapping[str, int], now_s: float) -> str | None:
        """Why the market is behind, None if it is not. `shown`: by interval, when the newest candle
        that was stored had changed last (exchange ms)."""
        before, self._since = self._since, {}
        if trade_ms is None:
            return None
        for name, shown_ms in shown.items():
            if shown_ms < trade_ms:
                known_ms, since_s = before.get(name, (shown_ms, now_s))
                self._since[name] = (shown_ms, since_s if known_ms == shown_ms else now_s)
        still = [name for name, (_, since_s) in self._since.items() if now_s - since_s >= STILL_S]
        return f"{', '.join(still)} stands still while trades arrive" if still else None

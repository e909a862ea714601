"""Binance's REST interface for market data: what may be asked, and whether the answer fits.

Never here: how a request travels (`http`), what to do with rows, when to ask again.
Invariant: what comes back is what was asked for, or one of the `ExchangeError`s is raised.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

from truecandle.binance.rest.http import HttpAnswer, HttpClient
from truecandle.binance.rest.parsing import (
    InstrumentPage,
    TickerPage,
    TradePage,
    parse_instruments,
    parse_klines,
    parse_server_time,
    parse_tickers,
    parse_trades,
)
from truecandle.candles.candle import OfficialCandle, official_from_row
from truecandle.candles.decimals import NO_ID
from truecandle.candles.instrument import TRADING
from truecandle.candles.trades import DATE_SPREAD_MS, Kline, kline_of_candle
from truecandle.errors import CandleError, ExchangeRefused, MalformedAnswer

KLINES_LIMIT_MAX = 1000
TRADES_LIMIT_MAX = 1000
#: Binance opened in July 2017; a server time before that is none.
OPENED_MS = 1_498_867_200_000
#: Of one page, however many candles or trades it asks for.
KLINES_WEIGHT = 2
TRADES_WEIGHT = 4
TIME_WEIGHT = 1
LISTINGS_WEIGHT = 20
TICKERS_WEIGHT = 80
#: What spares bytes of the exchange's list. Binance.US, for one, knows neither parameter; with
#: these codes such an exchange refuses what it does not know.
SPARING = {"showPermissionSets": "false"}
SPARING_TRADING = {"symbolStatus": TRADING, **SPARING}
UNKNOWN_PARAMETER_CODES = (-1101, -1103, -1104)
#: Answers about all markets: some 2 kB of each that trades, 300 bytes of each that ever did.
TRADING_BYTES_MAX = 32 * 1024 * 1024
TICKERS_BYTES_MAX = 8 * 1024 * 1024


class RestClient(HttpClient):
    """Asks one exchange; may be shared by threads."""

    #: Until the exchange has refused what spares bytes.
    _is_sparing = True

    def klines(
        self,
        symbol: str,
        interval: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = KLINES_LIMIT_MAX,
    ) -> list[list[object]]:
        """Rows of 12 fields, open time in [start_ms, end_ms), as they came: unchecked, unsorted.

        With a start: the oldest `limit` from there; without: the newest. The last row may still be
        forming, nothing marks it. Source: Binance spot API, GET /api/v3/klines.
        """
        asked: dict[str, str | int] = {"symbol": symbol, "interval": interval, "limit": limit}
        if start_ms is not None:
            asked["startTime"] = start_ms
        if end_ms is not None:
            asked["endTime"] = end_ms - 1
        answer = self._get("/api/v3/klines", KLINES_WEIGHT, asked)
        rows = parse_klines(answer.body)
        if len(rows) > limit:
            raise MalformedAnswer(f"asked for {limit} klines, got {len(rows)}")
        return rows

    def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_ms: int | None = None,
        limit: int = TRADES_LIMIT_MAX,
    ) -> TradePage:
        """The oldest `limit` aggregate trades from that aggregate id, or from that moment on.

        Without either the newest ones; ids ascend. Odd rows are left out and named. Source:
        GET /api/v3/aggTrades.
        """
        asked: dict[str, str | int] = {"symbol": symbol, "limit": limit}
        if from_id is not None:
            asked["fromId"] = from_id
        elif start_ms is not None:
            asked["startTime"] = start_ms
        answer = self._get("/api/v3/aggTrades", TRADES_WEIGHT, asked)
        page = parse_trades(answer.body, symbol, from_id=from_id, start_ms=start_ms)
        if len(page.trades) > limit:
            raise MalformedAnswer(f"asked for {limit} trades, got {len(page.trades)}")
        return page._replace(date_ms=answer.date_ms)

    def forming(self, symbol: str, interval: str) -> Kline:
        """The candle forming now, with its trade ids, which this interface does not tell.

        Its first trade is the first one from its open time on, the last follows from their number;
        both stay true while the candle moves on between the two requests. Its event time is when
        the exchange answered, by its own clock.
        """
        asked: dict[str, str | int] = {"symbol": symbol, "interval": interval, "limit": 1}
        answer = self._get("/api/v3/klines", KLINES_WEIGHT, asked)
        rows = parse_klines(answer.body)
        try:
            (candle,) = map(official_from_row, rows)
        except (CandleError, ValueError) as error:
            raise MalformedAnswer(f"the forming candle of {symbol}:{interval}: {error}") from error
        first_id = self._first_id(symbol, candle) if candle.trades else NO_ID
        return kline_of_candle(
            candle,
            symbol=symbol,
            interval=interval,
            first_id=first_id,
            last_id=first_id + candle.trades - 1 if candle.trades else NO_ID,
            is_closed=False,
            event_ms=max(candle.open_ms, min(answer.date_ms or 0, candle.close_ms)),
            spread_ms=DATE_SPREAD_MS,
        )

    def server_time(self) -> tuple[int, int]:
        """The exchange's time and how long the round trip took, both in ms."""
        began_ns = time.monotonic_ns()
        answer = self._get("/api/v3/time", TIME_WEIGHT, {})
        round_trip_ms = (time.monotonic_ns() - began_ns) // 1_000_000
        server_ms = parse_server_time(answer.body)
        if server_ms < OPENED_MS:
            raise MalformedAnswer(f"impossible server time {server_ms}")
        return server_ms, round_trip_ms

    def instruments(self, symbols: Sequence[str]) -> InstrumentPage:
        """What the exchange lists of these; one it does not know has all refused, with -1121.

        A symbol whose row is odd, or missing without a word, is not among the instruments.
        """
        listed = json.dumps(list(symbols), ensure_ascii=False, separators=(",", ":"))
        page = self._listed({"symbols": listed}, SPARING)
        found = {one.symbol: one for one in page.instruments if one.symbol in symbols}
        odd = page.odd + [f"{name}: no row for it" for name in symbols if name not in found]
        if not found:
            raise MalformedAnswer(f"asked for {len(symbols)} symbols, got none: {odd[0]}")
        return InstrumentPage(list(found.values()), odd)

    def trading(self) -> InstrumentPage:
        """What the exchange lists of every market that trades. Odd rows are left out and named."""
        page = self._listed({}, SPARING_TRADING)
        trading = [one for one in page.instruments if one.status == TRADING]
        if not trading:
            raise MalformedAnswer(f"no market trades; odd rows: {len(page.odd)}")
        return page._replace(instruments=trading)

    def tickers(self) -> TickerPage:
        """The last 24 hours of every market that the exchange ever listed. Odd rows are left out
        and named. Source: GET /api/v3/ticker/24hr, type MINI.
        """
        asked = {"type": "MINI"}
        answer = self._get("/api/v3/ticker/24hr", TICKERS_WEIGHT, asked, TICKERS_BYTES_MAX)
        page = parse_tickers(answer.body)
        if not page.tickers:
            raise MalformedAnswer(f"no market has a ticker; odd rows: {len(page.odd)}")
        return page

    def _listed(self, asked: Mapping[str, str], sparing: Mapping[str, str]) -> InstrumentPage:
        """What the exchange lists, without what an exchange that knows how is asked to leave out;
        the limits in the answer hold from now on.
        """
        try:
            answer = self._exchange_info({**asked, **(sparing if self._is_sparing else {})})
        except ExchangeRefused as error:
            if not self._is_sparing or error.code not in UNKNOWN_PARAMETER_CODES:
                raise
            answer = self._exchange_info(asked)
            self._is_sparing = False
        page = parse_instruments(answer.body)
        if page.weight_per_minute is not None:
            self._budget.learn(page.weight_per_minute)
        return page

    def _exchange_info(self, asked: Mapping[str, str]) -> HttpAnswer:
        return self._get("/api/v3/exchangeInfo", LISTINGS_WEIGHT, asked, TRADING_BYTES_MAX)

    def _first_id(self, symbol: str, candle: OfficialCandle) -> int:
        page = self.agg_trades(symbol, start_ms=candle.open_ms, limit=1)
        first, odd = page.trades, page.odd
        if not first or first[0].time_ms > candle.close_ms:
            why = odd[0] if odd else "none is to be found"
            raise MalformedAnswer(f"{symbol}: {candle.trades} trades, but {why}")
        return first[0].first_id

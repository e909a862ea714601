"""Klines as the exchange's streams write them: the text of `kline` events.

Never here: which candle is told when (`kline_sequence`), frames, sockets.
Invariant: fields, order and types are the exchange's; what nobody knows is null, never made up.
Source: Binance's "WebSocket Streams", Kline/Candlestick Streams.
"""

from __future__ import annotations

from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import NO_ID
from truecandle.candles.series import Series
from truecandle.exact_json import dumps
from truecandle.web.data_formats import padded
from truecandle.web.kline_sequence import Told

_KLINE = (
    b'{"e":"kline","E":%d,"s":%b,"k":{"t":%d,"T":%d,"s":%b,"i":"%b","f":%b,"L":%b,'
    b'"o":%b,"c":%b,"h":%b,"l":%b,"v":%b,"n":%d,"x":%b,"q":%b,"V":%b,"Q":%b,"B":"0"}}'
)


def kline_text(series: Series, told: Told, now_ms: int, unit: int = 1) -> bytes:
    """The event. `now_ms` is when it is told of an official candle; of a live one it is when that
    changed last. `unit`: 1 for times in ms, 1000 for µs.
    """
    candle = told.candle
    if isinstance(candle, LiveCandle):
        at_ms, end_ms = candle.updated_at, series.interval.next_open_ms(candle.open_ms)
    else:
        at_ms, end_ms = now_ms, candle.close_ms + 1
    symbol = dumps(series.symbol)
    prices = (candle.open, candle.close, candle.high, candle.low, candle.volume)
    flows = (candle.quote_volume, candle.taker_volume, candle.taker_quote_volume)
    first, last = _ids(told)
    return _KLINE % (
        *(at_ms * unit, symbol, candle.open_ms * unit, end_ms * unit - 1, symbol),
        *(series.interval.name.encode(), first, last),
        *(*map(_quoted, prices), candle.trades, b"true" if told.is_closed else b"false"),
        *map(_quoted, flows),
    )


def _ids(told: Told) -> tuple[bytes, bytes]:
    """The first and the last trade: -1 without any, null where they are not known. Official candles
    do not tell them: the feed's word is taken if it had exactly as many trades.
    """
    if told.candle.trades == 0:
        return b"-1", b"-1"
    known = told.live
    if known is None or known.first_id == NO_ID or known.last_id == NO_ID:
        return b"null", b"null"
    if told.is_closed and not (known.is_exact and known.trades == told.candle.trades):
        return b"null", b"null"
    return b"%d" % known.first_id, b"%d" % known.last_id


def _quoted(text: str | None) -> bytes:
    return b"null" if text is None else b'"%b"' % padded(text.encode())

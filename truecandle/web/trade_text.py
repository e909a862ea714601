"""Aggregate trades as the exchange writes them: `aggTrade` events, and rows of `aggTrades`.

Never here: which trades there are (`store/agg_trades`), frames, sockets.
Invariant: fields, order and types are the exchange's, prices and quantities its text with eight
places. `M`, of which it says that it is to be ignored, is true in all that it sends, and here.
Source: Binance's "WebSocket Streams", Aggregate Trade Streams; its REST documentation.
"""

from __future__ import annotations

from truecandle.exact_json import dumps
from truecandle.store.agg_trades import TradeRow
from truecandle.web.data_formats import padded

_FIELDS = b'"a":%d,"p":"%b","q":"%b","f":%d,"l":%d,"T":%d,"m":%b,"M":true}'


def event_text(symbol: str, row: TradeRow, unit: int = 1) -> bytes:
    """An event. `unit`: 1 for times in ms, 1000 for µs."""
    head = b'{"e":"aggTrade","E":%d,"s":%b,' % (row.event_ms * unit, dumps(symbol))
    return head + _fields(row, unit)


def row_text(row: TradeRow, unit: int = 1) -> bytes:
    """A row of an answer."""
    return b"{" + _fields(row, unit)


def _fields(row: TradeRow, unit: int) -> bytes:
    return _FIELDS % (
        *(row.agg_id, padded(row.price.encode()), padded(row.quantity.encode())),
        *(row.first_id, row.last_id, row.time_ms * unit, b"true" if row.is_maker else b"false"),
    )

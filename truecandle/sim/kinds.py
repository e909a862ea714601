"""Every kind of fault that can be scripted: where it strikes, what it does, its options.

Never here: what the faults do (`damage`, `hub`, `pump`, `sockets`).
Invariant: every kind that `Faults.add` and `POST /sim/faults` accept stands in this table.

Three that take connections from a client, as a script would send them to `POST /sim/faults`:

    {"kind": "drop", "code": null}                     all connections are reset, at once
    {"kind": "stall"}                                  they stay open and answer pings, but are mute
    {"kind": "age", "life_s": 45, "for_ms": 600000}    for ten minutes, a day lasts 45 seconds

`symbol`, `stream` ("aggTrade", "kline") and `interval` choose the connections, or their streams.
"""

from __future__ import annotations

#: kind: (where it strikes, what it does and its options with their defaults)
KINDS: dict[str, tuple[str, str]] = {
    "status": ("answer", "any answer: status=500, body='', content_type, headers={}"),
    "rate_limit": ("answer", "429: retry_after=3 (text, or None for no header), hold=seconds"),
    "ban": ("answer", "418 until it ends: retry_after=120 (text, or None), hold=seconds"),
    "forbidden": ("answer", "403 and a firewall's HTML page"),
    "restricted": ("answer", "451, pretty-printed JSON with code 0"),
    "server_error": ("answer", "5xx: status=503, body=''"),
    "html": ("answer", "200 and an HTML page"),
    "empty": ("answer", "200 and []"),
    "error_200": ("answer", "200 and an error body: code=-1121, msg='Invalid symbol.'"),
    "redirect": ("answer", "302: location='http://127.0.0.1:9/'"),
    "timeout": ("answer", "no answer: seconds=30, then the connection ends"),
    "delay": ("delay", "answers late: ms=1000"),
    "stale": ("candles", "klines as they were lag_ms=3000 ago: rows change after their close"),
    "absent": ("candles", "a closed candle is missing until lag_ms=3000 after its close"),
    "duplicate": ("rows", "every row twice"),
    "conflict": ("rows", "the last closed row twice, with another close"),
    "shuffle": ("rows", "rows out of order"),
    "microseconds": ("rows", "times in µs, unasked"),
    "misaligned": ("rows", "open times moved by ms=1694789"),
    "columns": ("rows", "columns=11 fields instead of 12"),
    "listing": ("listing", "exchangeInfo says status='BREAK' (None: no such symbol any more)"),
    "value": ("rows", "field=2 of row=-2 becomes value='NaN'"),
    "odd_row": ("rows", "row=-2 becomes value=null"),
    "odd_trade": (
        "trades",
        "row=-2 of an aggTrades answer: how='double' (again), 'void' (f and l -1, price 0),"
        " 'earlier' (id of row 0), 'foreign' (s='XXXUSDT'), 'null' or 'no_list' (a text)",
    ),
    "odd_listing": ("listings", "an exchangeInfo answer: row=0 becomes value=null"),
    "crossed": ("rows", "high and low of row=-2 change places"),
    "truncate": ("body", "JSON cut after share=0.5 of it, the answer complete"),
    "cut": ("body", "connection ends after at=100 bytes; reset=False"),
    "drip": ("body", "bytes_per_s=1"),
    "huge": ("body", "mb=100 of white space before the JSON; gzip=False"),
    "gap": ("market", "no trades, no candles: start_ms=from_ms, end_ms=until_ms"),
    "correction": ("market", "a candle changes: symbol, interval, open_ms, at_ms, changes={}"),
    "clock": ("market", "offset_ms=0, set_ms, speed"),
    "refuse": ("connect", "stream connections get status=503; abort=False"),
    "drip_open": ("connect", "the handshake comes at bytes_per_s=2"),
    "mute": ("open", "a stream connection never gets data"),
    "silent": ("silence", "no data on any stream, of new connections neither; pings=True"),
    "drop": (
        "action",
        "connections end: code=1001 (None: reset); most=None, oldest first; least=0",
    ),
    "stall": ("action", "open connections get no data any more, new ones do; pongs=True, or deaf"),
    "lag": ("action", "open connections get everything ms=2000 later from now on"),
    "hush": ("action", "a stream of open connections falls silent; heals=True by SUBSCRIBE"),
    "forget": ("action", "the exchange drops a stream of open connections and says nothing"),
    "shutdown": (
        "action",
        "the serverShutdown event; drop_after_ms=None, raw=False",
    ),
    "age": ("life", "connections end after life_s=60 instead of 24 h"),
    "no_pong": ("pong", "a client's ping is not answered"),
    "refuse_request": ("request", "a control message that names the symbol: code=2, msg"),
    "unanswered": ("request", "a control message that names the symbol is lost"),
    "repeated": ("message", "sent twice"),
    "disorder": ("message", "sent after the next one"),
    "late": ("message", "sent ms=2000 later, such as the closing kline"),
    "lose": ("message", "not sent"),
    "unclosed": ("message", "the closing kline (x: true) is not sent"),
    "malformed": ("message", 'text=\'{"e":"trade",\' is sent instead'),
    "oversized": ("message", "kb=1024 of text before it"),
    "foreign": ("message", "also sent for symbol_sent='XXXUSDT', never subscribed"),
}

"""Binance's market streams over WebSocket, kept alive for ever.

Never here: REST, what a trade does to a candle, Redis.
Invariant: trades and klines come in order, and every loss is told in its place among them.

Reading order: `pool` (as few connections as Binance allows), `connection` (one, connected again for
ever), `session` (one open socket with its `subscriptions`), `handover` (make before break),
`reconnect` and `idle` (when), `dispatch` (what leaves, with `status`), `websocket` and `messages`
(bytes).
"""

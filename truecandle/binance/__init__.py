"""Binance: its REST interface, its streams, its archives, its clock, and the values they become.

Never here: Redis, the candle rules, what to do with an answer.
Invariant: nothing leaves this package unchecked; decimals stay Binance's own text.

Reading order: `rest` and `streams` (the two ways to the exchange, which do not know each other),
`rate_limit`, `reachability`, `validators` (what both need), `clock`, `archive`.
"""

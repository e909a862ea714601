"""All of Binance: its REST answers, its streams and the types they become.

Never here: Redis, the candle rules, what to do with an answer.
Invariant: nothing leaves this package unchecked; decimals stay Binance's own text.
"""

"""The candle rules: what a market, an interval, a candle and a hole are, and which candle wins.

Never here: I/O of any kind, a clock, a float. Time comes in as an argument, in ms.
Invariant: the TypeScript twins in `static/src/candles/` give the same answers (tests/vectors).
"""

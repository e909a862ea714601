"""Binance's REST interface: requests within weight, pace and deadline, and answers checked.

Never here: streams, Redis, when to ask again.
Invariant: what comes back is what was asked for, or one of the `ExchangeError`s is raised.

Reading order: `client` (what may be asked), `http` (how it travels), `deadline`, `parsing`.
"""

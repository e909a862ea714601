"""TrueCandle: live candlestick charts for Binance whose candles are provably right.

Never here: imports, connections; start reading at `docs/architecture.md`.
Invariant: importing the package alone does nothing.
"""

__version__ = "0.1.0"

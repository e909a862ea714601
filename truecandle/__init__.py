"""TrueCandle: live candlestick charts for Binance whose candles are provably right.

Start reading at `docs/architecture.md`. Nothing is imported or connected here.
"""

__version__ = "0.1.0"

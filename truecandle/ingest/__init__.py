"""Ingests official candles: asks the exchange, checks the answer, stores it, tells everybody.

Never here: when to ask, which series (the fetcher and the commands say so), live candles, Flask.
Invariant: official candles are written by `OfficialWriter` alone, and what is not believed changes
nothing.

Reading order: `kline_pages` (one page, and what it proves of gaps), `official_writer` (believe,
write, tell), `plausibility` (what is not believed), `shown_candles` (what the chart had shown).
"""

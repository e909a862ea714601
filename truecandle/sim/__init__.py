"""The simulated exchange: Binance's market-data REST paths and streams, on loopback, with faults.

Never here: Redis, the web role, requests to a real exchange (tests replace the bottom by this).
Invariant: every candle, ticker and message follows from one sequence of trades, at every moment.

Reading order: clock, listing, tape, hours, block, kline, course, walk, recording, archive, market
(what is true); wire, params, limits, symbols, rest, control (HTTP); hub, sockets, pump (streams);
faults, damage, server, __main__ (scripting and running it).
"""

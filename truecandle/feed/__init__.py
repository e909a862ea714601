"""The feed: events of the exchange's streams become live candles in Redis and on every chart.

In the order of an event's way: `event_queue`, `symbol_builder`, `live_publisher`,
`market_leadership`, then `feed`, which moves events from one to the next. After a break `recovery`
(`market_recovery`, `recovery_pauses`, `trade_gaps`) asks for what is missing; `freshness_reporter`
says how fresh a market is, `feed_stats` what the feed counts about itself.

Never here: sockets to the exchange (`binance/streams`), official candles, Flask.
Invariant: whatever fails, candles go on being built, and their newest state is stored in the end.
"""

from truecandle.feed.feed import Feed, FeedRole, build

__all__ = ["Feed", "FeedRole", "build"]

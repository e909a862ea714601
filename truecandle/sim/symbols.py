"""The answer of `exchangeInfo`: rate limits, and for each symbol its assets and filters.

Never here: prices, trades.
Invariant: tick and step sizes are those that the symbol really trades at.
"""

from __future__ import annotations

from collections.abc import Mapping

from truecandle.sim.limits import Caps
from truecandle.sim.listing import SimulatedListing
from truecandle.sim.trade_sums import decimal_text
from truecandle.sim.wire import Json

TRADING = "TRADING"

_ORDERS = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"]


def exchange_info(found: Mapping[SimulatedListing, str], server_time: int, caps: Caps) -> Json:
    """The whole answer: each listing with its status."""
    return {
        "timezone": "UTC",
        "serverTime": server_time,
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, caps.weight),
            _limit("ORDERS", "SECOND", 10, 100),
            _limit("ORDERS", "DAY", 1, 200_000),
            _limit("RAW_REQUESTS", "MINUTE", 5, caps.raw),
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(listing, status) for listing, status in found.items()],
    }


def _limit(kind: str, interval: str, number: int, limit: int) -> Json:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
    }


def _symbol(listing: SimulatedListing, status: str) -> Json:
    return {
        "symbol": listing.symbol,
        "status": status,
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _ORDERS,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _filters(listing: SimulatedListing) -> list[Json]:
    tick = decimal_text(1, listing.price_decimals)
    step = decimal_text(1, listing.quantity_decimals)
    most_price = decimal_text(listing.level * 1000, listing.price_decimals)
    most = decimal_text(listing.lot * 1_000_000, listing.quantity_decimals)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": most_price,
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": most, "stepSize": step},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": most,
            "stepSize": "0.00000000",
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": "5.00000000",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]

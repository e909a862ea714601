"""Exchanges of Binance's family: what one of them does not know, and what it charges.

Never here: answering (`paths`), counting (`limits`).
Invariant: what a variant does not say is as at Binance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from truecandle.sim.limits import Caps
from truecandle.sim.paths import PATHS, Path


@dataclass(frozen=True, slots=True)
class Variant:
    """`weight_divisors`: by path, how many times lighter a request is than at Binance."""

    caps: Caps = field(default_factory=Caps)
    unknown_paths: frozenset[str] = frozenset()
    unknown_parameters: frozenset[str] = frozenset()
    unknown_intervals: frozenset[str] = frozenset()
    weight_divisors: Mapping[str, int] = field(default_factory=dict)

    def path(self, name: str) -> Path | None:
        """A REST path as this exchange has it; None: it has none of that name."""
        path = None if name in self.unknown_paths else PATHS.get(name)
        if path is None:
            return None
        weight, divisor = path.weight, self.weight_divisors.get(name, 1)
        return replace(
            path,
            allowed=path.allowed - self.unknown_parameters,
            weight=lambda request: weight(request) // divisor,
        )


BINANCE: Final = Variant()
#: Source: github.com/binance-us/binance-us-api-docs, rest-api.md of 2023-09-06, its newest word.
BINANCE_US: Final = Variant(
    caps=Caps(weight=1_200, raw=5_000),
    unknown_paths=frozenset({"uiKlines"}),
    unknown_parameters=frozenset({"symbolStatus", "showPermissionSets", "timeZone"}),
    unknown_intervals=frozenset({"1s"}),
    weight_divisors={
        "klines": 2, "aggTrades": 4, "exchangeInfo": 2, "ticker/price": 2, "ticker/24hr": 2,
    },
)  # fmt: skip
#: By the name that the command line has for it.
VARIANTS: Final = {"binance": BINANCE, "binance-us": BINANCE_US}

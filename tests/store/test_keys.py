"""The tables of our keys say what the functions that spell them say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

from truecandle.candles.series import parse_series
from truecandle.store import keys

SERIES = parse_series("BTCUSDT", "1h")
SPELLS = dict(inspect.getmembers(keys, inspect.isfunction))


def kind(text: str | None) -> str:
    """`ZSET: …` → `zset`."""
    return re.match(r"[A-Z]+", text or "")[0].lower()  # type: ignore[index]


def of_series(spell: Callable[..., str]) -> bool:
    return "series" in inspect.signature(spell).parameters


def test_every_key_of_a_series_is_in_the_table() -> None:
    spelled = {
        spell(SERIES).removesuffix(SERIES.name): kind(spell.__doc__)
        for spell in SPELLS.values()
        if of_series(spell)
    }
    assert spelled == keys.OF_SERIES


def test_every_other_key_with_a_tail_is_in_the_table() -> None:
    spelled = {
        spell("x").removesuffix("x"): kind(spell.__doc__)
        for spell in SPELLS.values()
        if not of_series(spell)
    }
    assert spelled == keys.OF_OTHERS


def test_every_single_key_is_in_the_table() -> None:
    source = inspect.getsource(keys)
    named = re.findall(r'^#: ([A-Z]+)\b.*(?:\n#: .*)*\n[A-Z_]+: Final = "([\w:]+)"$', source, re.M)
    spelled = {name: word.lower() for word, name in named}
    spelled = {name: word for name, word in spelled.items() if word in KINDS}
    assert spelled == keys.SINGLE


KINDS = {"string", "hash", "set", "list", "zset"}

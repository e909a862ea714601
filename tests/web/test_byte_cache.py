"""A cache never counts more bytes than it may; what is asked for stays."""

from __future__ import annotations

import random

from truecandle.web.byte_cache import ENTRY_BYTES, ByteCache


def test_the_bound_holds_whatever_is_put_in() -> None:
    cache: ByteCache[int, bytes] = ByteCache(100_000)
    sizes: dict[int, int] = {}
    dice = random.Random(1)
    for _ in range(3_000):
        key, size = dice.randrange(60), dice.randrange(30_000)
        cache.put(key, b"", size)
        sizes[key] = size
        held = [key for key in sizes if cache.get(key) is not None]
        assert cache.bytes == sum(sizes[key] + ENTRY_BYTES for key in held) <= 100_000


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    cache: ByteCache[str, int] = ByteCache(10 * (100 + ENTRY_BYTES))
    for number in range(10):
        cache.put(f"{number}", number, 100)
    assert cache.get("0") == 0
    cache.put("one more", 10, 100)
    assert (cache.get("0"), cache.get("1"), cache.get("one more")) == (0, None, 10)


def test_what_would_push_too_much_out_is_not_kept_and_nothing_older_instead() -> None:
    cache: ByteCache[str, str] = ByteCache(10_000)
    cache.put("a", "old", 10)
    cache.put("a", "new", 9_000)
    assert cache.get("a") is None and cache.bytes == 0

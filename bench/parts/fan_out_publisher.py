"""Publishes prices as the feed does: for each line of stdin, so many at once.

    python bench/parts/fan_out_publisher.py REDIS_URL SYMBOL

It is run with the code of whichever commit is measured, so it knows no more than `Publisher`.
Never here: who hears it.
Invariant: prices of one market, whose trades follow on, so that nobody may leave one out.
"""

from __future__ import annotations

import sys

from truecandle.events import Publisher


def main() -> None:
    publisher, last_id = Publisher(sys.argv[1]), 4_000_000_000
    for line in sys.stdin:
        with publisher.together():
            for _ in range(int(line)):
                publisher.live_price(
                    sys.argv[2], price="67010.51", timestamp=1_730_000_071_250, high="67012.4",
                    low="66998", volume="12.34567", trades=1, first_id=last_id, last_id=last_id,
                )  # fmt: skip
                last_id += 1


if __name__ == "__main__":
    main()

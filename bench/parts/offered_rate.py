"""Single events at a fixed rate, whether the last one has arrived or not: what is kept up with.

Never here: servers, browsers (`fan_out_servers`); rounds that wait for each other (`fan_out`).
Invariant: each event is published by itself at its time; a delivery that never came is the latest
of all.
"""

from __future__ import annotations

import math
import select
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from bench.parts.fan_out_servers import Listening, Server

#: Kept up with: 99 of 100 deliveries within so long.
LATE_S = 0.1
#: After the last event, for what is on its way.
LAST_S = 5.0
#: A rate that was not kept up with is offered once more: the machine may have been busy.
TRIES = 2


@dataclass(frozen=True)
class Offered:
    """What became of events that were offered evenly. Rates are deliveries a second."""

    wanted: int
    #: What was really offered, and delivered while it was.
    rate: float
    made: float
    #: From publishing to reading the last byte, ascending; infinite where it never came.
    delays_s: Sequence[float]
    #: Deliveries in another order.
    odd: int
    #: CPU of the server for a delivery; share of the browsers' core that they, too, needed.
    cpu_us: float
    busy: float

    def delay_ms(self, share: float) -> float:
        at = min(len(self.delays_s) - 1, int(share * len(self.delays_s)))
        return 1_000 * self.delays_s[at]

    @property
    def is_kept_up(self) -> bool:
        return self.delay_ms(0.99) <= 1_000 * LATE_S and not self.odd


def climb(
    server: Server, listening: Sequence[Listening], rates: Sequence[int], seconds: float
) -> list[Offered]:
    """One rate after the other, up to the first that is not kept up with."""
    found: list[Offered] = []
    for rate in rates:
        for _ in range(TRIES):
            one = offer(server, listening, rate, seconds)
            if one.is_kept_up:
                break
        found.append(one)
        if not one.is_kept_up:
            break
    return found


def offer(
    server: Server, listening: Sequence[Listening], rate: int, seconds: float
) -> Offered:  # fmt: skip
    """So many deliveries a second, for so long."""
    count = sum(one.count for one in listening)
    events, step_s = math.ceil(rate * seconds / count), count / rate
    server_s, used_s = server.process.cpu_s, sum(one.process.cpu_s for one in listening)
    for one in listening:
        one.process.tell(events)
    began_s, told = time.monotonic(), array("d")
    for number in range(events):
        if (early_s := began_s + number * step_s - time.monotonic()) > 0:
            time.sleep(early_s)
        told.append(time.monotonic())
        server.publisher.tell(1)
    end_s = time.monotonic() + step_s
    end(listening)
    server_s = server.process.cpu_s - server_s
    used_s = sum(one.process.cpu_s for one in listening) - used_s
    took_s = time.monotonic() - began_s
    delays, made, odd = list[float](), 0, 0
    for one in listening:
        times, strange = one.heard(events)
        odd += strange
        made += sum(0 < at_s <= end_s for at_s in times)
        both = zip(times, cycle(told), strict=False)
        delays += [at_s - told_s if at_s else math.inf for at_s, told_s in both]
    return Offered(
        rate, events * count / (end_s - began_s), made / (end_s - began_s), sorted(delays), odd,
        1e6 * server_s / (len(delays) - delays.count(math.inf) or 1), used_s / took_s,
    )  # fmt: skip


def end(listening: Sequence[Listening]) -> None:
    """Waits until the browsers say what they have had; what is not there by then never comes."""
    by_s = time.monotonic() + LAST_S
    for one in listening:
        left_s = max(by_s - time.monotonic(), 0)
        if not select.select([one.process.stdout], [], [], left_s)[0]:
            one.process.tell(0)

"""The moment at which the simulated exchange stands still for its own tests.

Never here: servers (`tests/sim/conftest.py`).
Invariant: the moment lies inside a candle of every interval.
"""

from __future__ import annotations

#: Wednesday 2026-03-18 13:37:42.500 UTC, inside a second, minute, hour, day, week and month.
NOW_MS = 1_773_841_062_500

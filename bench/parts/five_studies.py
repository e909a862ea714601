"""Five studies for a page: chosen before it opens, and waited for.

Never here: what they cost.
Invariant: two that remember little, one that remembers long, and two that remember every candle.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

STUDIES = ("bollinger", "ichimoku", "rsi", "supertrend", "obv")
_CHOSEN = json.dumps(
    {"studies": [{"id": f"s{at}", "kind": kind} for at, kind in enumerate(STUDIES)]}
)
#: In the page, before it opens.
CHOOSE = f"localStorage.setItem('truecandle.settings', {json.dumps(_CHOSEN)})"
#: In the page: true when each chart has so many studies, all of them worked out.
_DONE = """async (count) => {
  const all = await Promise.all(truecandle.panes().map((pane) => pane.studies()));
  return all.every((studies) => studies.length === count && studies.every((one) => one.isDone));
}"""
DONE_LIMIT_S = 60.0


def are_done(page: Page, count: int) -> None:
    """Waits until each chart has so many studies, all worked out."""
    wait_for(lambda: page.evaluate(_DONE, count), DONE_LIMIT_S, f"{count} studies on each chart")

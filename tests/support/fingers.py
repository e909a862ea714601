"""Fingers on a chart's plot, put down, moved and lifted by the browser's debugger, as by a screen.

Never here: what comes of it.
Invariant: a finger moves in steps, so that it is a way and not a jump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

STEPS = 8
Point = tuple[float, float]


class Fingers:
    """Fingers on the plot; places are parts of its width and height."""

    def __init__(self, page: Page, plot: str = "#plot") -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        box = page.locator(plot).bounding_box()
        assert box is not None
        self._box: Any = box

    def put(self, *places: Point) -> None:
        """All at once: a finger that lies alone for a while reads a candle."""
        self._send("touchStart", places)

    def move(self, before: list[Point], after: list[Point]) -> None:
        """In steps, so that it is a way and not a jump."""
        for step in range(1, STEPS + 1):
            part = step / STEPS
            between = [
                (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part)
                for (x0, y0), (x1, y1) in zip(before, after, strict=True)
            ]
            self._send("touchMove", between)

    def lift(self) -> None:
        self._send("touchEnd", ())

    def _send(self, kind: str, places: Any) -> None:
        box = self._box
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": at}
            for at, (x, y) in enumerate(places)
        ]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

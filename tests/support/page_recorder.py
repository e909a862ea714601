"""What a page shows, looked at in every frame: nothing between two looks goes unseen.

Never here: assertions; what should be seen.
Invariant: looking changes nothing in the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: The only order in which a candle's states may follow each other.
WHOLE_WAY = ["forming", "pending", "final"]

#: Notes, at every frame, which bars the two series hold, for as long as the test wants.
_WATCH = """(stepMs) => {
  cancelAnimationFrame(globalThis.watching);
  const fromMs = truecandle.bars().at(-1).time;
  globalThis.seen = {frames: 0, doubled: [], holes: [], states: {}, fromMs};
  const look = () => {
    const bars = globalThis.truecandle.bars();
    seen.frames += 1;
    for (let i = 1; i < bars.length; i += 1) {
      const {time} = bars[i];
      const steps = (time - bars[i - 1].time) / stepMs;
      if (steps <= 0) seen.doubled.push(time);
      if (steps > 1) seen.holes.push([bars[i - 1].time, time]);
    }
    for (const {time, state} of bars) {
      const states = (seen.states[time] ??= []);
      if (states.at(-1) !== state) states.push(state);
    }
    const drawn = globalThis.truecandle.drawn();
    const history = new Set(drawn.history.map((bar) => bar.time));
    for (const bar of drawn.tail) if (history.has(bar.time)) seen.doubled.push(bar.time);
    globalThis.watching = requestAnimationFrame(look);
  };
  look();
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was seen since `watch`: frames, bars at one time, holes, and states by open time."""

    frames: int
    doubled: list[int]
    holes: list[tuple[int, int]]
    states: dict[int, list[str]]
    from_ms: int

    @property
    def broken(self) -> list[object]:
        """Where the chain was not whole: holes, doubled bars, and ways that went back."""
        back = [way for way in self.states.values() if way != sorted(way, key=WHOLE_WAY.index)]
        return [*self.holes, *self.doubled, *back]

    @property
    def whole_ways(self) -> list[int]:
        """Candles that opened since and were seen to form, to wait and to become official."""
        return [at for at, way in self.states.items() if at > self.from_ms and way == WHOLE_WAY]


def watch(page: Page, step_ms: int = 1000) -> None:
    """Begins to look, anew if it did before."""
    page.evaluate(_WATCH, step_ms)


def seen(page: Page) -> Seen:
    found = page.evaluate("seen")
    states = {int(at): way for at, way in found["states"].items()}
    holes = [(one, two) for one, two in found["holes"]]
    return Seen(found["frames"], found["doubled"], holes, states, found["fromMs"])

"""A plot of how figures grow, as SVG: a panel for each of what grows, both axes logarithmic.

Never here: measuring; a library for plots.
Invariant: every line begins at 1, and the dashed one is what grows as its size does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, EDGE, LEGEND = 420, 300, 48, 18
COLORS = ("#1f6fb4", "#d1701c", "#2d8a4e", "#b03a48", "#7a55a8", "#77604f", "#c0599f", "#5f6b7a",
          "#8d8b1f")  # fmt: skip


class Line(NamedTuple):
    name: str
    values: Sequence[float]


class Panel(NamedTuple):
    name: str
    sizes: Sequence[int]
    lines: Sequence[Line]


def drawn(panels: Sequence[Panel]) -> str:
    """The whole file."""
    height = HEIGHT + LEGEND * max((len(one.lines) for one in panels), default=0) + EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(panels)} {height}"'
        ' font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * WIDTH} 0)">')
        parts += _panel(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> Iterator[str]:
    sizes = [math.log10(size) for size in panel.sizes]
    linear = [size / panel.sizes[0] for size in panel.sizes]
    values = [math.log10(v) for line in panel.lines for v in line.values]
    low, high = min([0.0, *values]), max([0.1, *values, math.log10(linear[-1])])

    def points(line: Sequence[float]) -> str:
        spread = max(sizes[-1] - sizes[0], 0.1)
        return " ".join(
            f"{EDGE + (size - sizes[0]) / spread * (WIDTH - 2 * EDGE):.1f},"
            f"{HEIGHT - (math.log10(value) - low) / (high - low) * (HEIGHT - 2 * EDGE):.1f}"
            for size, value in zip(sizes, line, strict=True)
        )

    yield f'<text x="{EDGE}" y="24" font-size="14">{escape(panel.name)}, times the first</text>'
    for power in range(math.ceil(low), math.floor(high) + 1):
        y = HEIGHT - (power - low) / (high - low) * (HEIGHT - 2 * EDGE)
        yield (
            f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
            f'<text x="{EDGE - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>'
        )
    for size, place in zip(panel.sizes, points(linear).split(), strict=True):
        x = place.partition(",")[0]
        yield f'<text x="{x}" y="{HEIGHT + 16}" text-anchor="middle">{size:,}</text>'
    yield (
        f'<polyline points="{points(linear)}" fill="none" stroke="#999999" stroke-dasharray="4 4"/>'
    )
    for number, line in enumerate(panel.lines):
        color, y = COLORS[number % len(COLORS)], HEIGHT + EDGE + number * LEGEND
        yield (
            f'<polyline points="{points(line.values)}" fill="none" stroke="{color}"'
            ' stroke-width="2"/>'
            f'<rect x="{EDGE}" y="{y - 9}" width="10" height="10" fill="{color}"/>'
            f'<text x="{EDGE + 16}" y="{y}">{escape(line.name)}</text>'
        )

"""The colours along the edges of a part of a page, as they are seen: from a screenshot.

Never here: which colours there should be.
Invariant: read by the browser itself; no library of pictures is needed.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

Color = tuple[int, int, int]
_READ = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
  const {width, height} = picture;
  const pen = new OffscreenCanvas(width, height).getContext('2d');
  pen.drawImage(picture, 0, 0);
  const line = (x, y, w, h) => {
    const {data} = pen.getImageData(x, y, w, h);
    return Array.from({length: w * h}, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
  };
  return {top: line(1, 0, width - 2, 1), bottom: line(1, height - 1, width - 2, 1),
    left: line(0, 1, 1, height - 2), right: line(width - 1, 1, 1, height - 2)};
}"""


def pixels(page: Page, box: Any) -> dict[str, list[Color]]:
    """By side, the outermost pixels of that box (as playwright gives it) from corner to corner."""
    png = base64.b64encode(page.screenshot(clip=box)).decode()
    found = page.evaluate(_READ, png)
    return {side: [(red, green, blue) for red, green, blue in line] for side, line in found.items()}

// The chart on paper: a light picture of it, made in the instant before the browser prints.
// Never here: the rest of the page on paper (css/everyone.css).
// Invariant: once printed, theme and page are as they were before.

import type { IChartApi } from "lightweight-charts";
import { forceLight } from "../ui/theme.ts";

/** `root` is where the chart is drawn; `restyle` takes the theme's colours anew, at once. */
export function printLight(chart: IChartApi, root: HTMLElement, restyle: () => void) {
  let undo: (() => void) | null = null;
  addEventListener("beforeprint", () => {
    undo?.();
    const restoreTheme = forceLight();
    restyle();
    // The canvases keep the window's size, and would be cut off on paper; a picture is as wide as the paper.
    const picture = chart.takeScreenshot(true);
    picture.className = "print-chart";
    root.after(picture);
    undo = () => {
      picture.remove();
      restoreTheme();
      restyle();
      undo = null;
    };
  });
  addEventListener("afterprint", () => undo?.());
}

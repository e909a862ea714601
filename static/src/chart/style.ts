// How the chart's frame looks: type, grid, axes, crosshair, in the page's tokens.
// Never here: candles' colours (bars.ts), data.
// Invariant: the attribution logo stays on.

import { ColorType, CrosshairMode, type ChartOptions, type DeepPartial } from "lightweight-charts";
import { alpha, type ThemeColors } from "../ui/theme.ts";

export const BAR_SPACING_PX = 10;
export const RIGHT_OFFSET_BARS = 5;

/** A bar is never wider, so that there is always something to compare it with, nor narrower. */
export const SPACING_MAX_PX = 60;
export const SPACING_MIN_PX = 0.5;

/** As wide as most prices are, so that the chart keeps its place from one market to the next. */
const AXIS_MIN_PX = 64;

/** What never changes. */
export function options(): DeepPartial<ChartOptions> {
  return {
    autoSize: true,
    layout: { attributionLogo: true, fontSize: 12, fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" },
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { scaleMargins: { top: 0.12, bottom: 0.06 }, entireTextOnly: true, minimumWidth: AXIS_MIN_PX },
    timeScale: {
      minBarSpacing: SPACING_MIN_PX, maxBarSpacing: SPACING_MAX_PX, rightOffset: RIGHT_OFFSET_BARS, barSpacing: BAR_SPACING_PX,
      allowShiftVisibleRangeOnWhitespaceReplacement: true, // a new candle takes the place of a time to come
    },
    localization: { locale: "en-GB" },
  };
}

/** What follows the theme. */
export function style({ bg, line, muted }: ThemeColors): DeepPartial<ChartOptions> {
  return {
    layout: {
      background: { type: ColorType.Solid, color: bg },
      textColor: muted,
      panes: { separatorColor: line, separatorHoverColor: alpha(muted, 0.2) },
    },
    grid: { vertLines: { color: alpha(line, 0.45) }, horzLines: { color: alpha(line, 0.45) } },
    crosshair: {
      vertLine: { color: muted, labelBackgroundColor: muted },
      horzLine: { color: muted, labelBackgroundColor: muted },
    },
    rightPriceScale: { borderColor: line },
    timeScale: { borderColor: line },
  };
}

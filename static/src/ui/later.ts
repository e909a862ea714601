// What is loaded when it is first wanted, in one file: dialogs, panels, notes, and what is taken out of the page.
// Never here: what every visit needs.
// Invariant: one door to all of it, so that a visit without it costs nothing, and one with it one request.

import { fetchBelow } from "../net/basePath.ts";
import { exactCandles } from "../net/exactCandles.ts";
import { candleText, csvOf, fileName } from "./candleFiles.ts";
import { pictureOf } from "./pictureFile.ts";
import type { TakenFrom } from "./takingOut.ts";

export { AbsentMarket } from "./absentMarket.tsx";
export { ChartsDialog } from "./chartsDialog.tsx";
export { CandleTable } from "./candleTable.tsx";
export { DateSheet } from "./dateSheet.tsx";
export { MarketSearch } from "./marketSearch.tsx";
export { intervalGroups, moreGroups, scaleGroups, themeGroups, typeGroups } from "./menuGroups.tsx";
export { PaneTabs } from "./paneTabs.tsx";
export { OlderLine } from "./olderLine.tsx";
export { ShortcutList } from "./shortcutList.tsx";
export { StudyDialog } from "./studyDialog.tsx";
export { StudyPaneRows, StudyRows, studiesSpoken } from "./studyLegend.tsx";
export { TruthNotes } from "./truthNotes.tsx";
export { TruthPanel } from "./truthPanel.tsx";
export { correctionSpoken } from "./truthWords.ts";
export { WatchlistPanel } from "./watchlistPanel.tsx";
export { ZoneList } from "./zoneList.tsx";

/** Saves the chart as a PNG; resolves with what was done, in words. */
export async function savePicture({ view: seen, picture, pointed, precision, base }: TakenFrom): Promise<string> {
  const view = seen();
  if (view === null) return "There is no chart yet.";
  const chart = picture();
  const canvas = pictureOf(chart, devicePixelRatio, { view, candle: pointed(), precision: precision(), base: base() });
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error("the browser made no picture of it.");
  const name = fileName(view.symbol, view.interval, view.nowMs, "png");
  save(blob, name);
  return `Picture saved as ${name}.`;
}

/** Saves the candles in sight as CSV; resolves with what was done, in words. */
export async function saveTable({ view: seen, bars: all, visibleMs }: TakenFrom): Promise<string> {
  const [view, range] = [seen(), visibleMs()];
  const bars = range === null ? [] : all().filter(({ time }) => time >= range.from && time <= range.to);
  if (view === null || bars.length === 0) return "No candles are in sight.";
  const { symbol, interval } = view;
  const [first, last] = [bars[0]!.time, bars.at(-1)!.time];
  const rows = await exactCandles(fetchBelow, { symbol, interval, startMs: first, endMs: last + 1 }).catch(() => null);
  const name = fileName(symbol, interval, first, "csv");
  save(new Blob([csvOf(bars, rows ?? [])], { type: "text/csv" }), name);
  const words = `${bars.length.toLocaleString("en-US")} candles saved as ${name}`;
  return rows === null ? `${words}, as the page holds them: the server can't be asked.` : `${words}.`;
}

/** Copies the candle that is pointed at; resolves with what was done, in words. */
export async function copyCandle({ view: seen, pointed, precision, base }: TakenFrom): Promise<string> {
  const [view, candle] = [seen(), pointed()];
  if (view === null || candle === null) return "There is no candle to copy.";
  const text = candleText({ symbol: view.symbol, interval: view.interval, base: base() }, candle, precision());
  await copy(text);
  return `Copied: ${text}`;
}

function save(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it only after the click
}

/** The clipboard, and where the page is not served securely the way of old. */
async function copy(text: string) {
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr";
  const focused = document.activeElement as HTMLElement | null;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  if (!isCopied) throw new Error("the browser does not let the page copy.");
}

// Drawing, put together when it is first wanted: the desk, its layer on every chart, tools, style, list.
// Never here: rules of any kind.
// Invariant: every chart that there is, or comes later, shows the drawings of its market.

import { effect, type ReadonlySignal } from "@preact/signals-core";
import { h } from "preact";
import { at } from "./candles/marks.ts";
import type { Candle } from "./candles/candle.ts";
import { DrawingHand } from "./chart/drawings/hand.ts";
import { DrawingKeys } from "./chart/drawings/keys.ts";
import { DrawingLayer } from "./chart/drawings/layer.ts";
import { browserClock } from "./clock.ts";
import type { Drawing, DrawingKind } from "./drawings/drawing.ts";
import type { Api } from "./net/api.ts";
import { createDrawingServer } from "./net/drawingAnswers.ts";
import type { ChartPane } from "./pane/chartPane.ts";
import { DrawingDesk } from "./state/drawingDesk.ts";
import type { DrawingPart } from "./ui/drawingDoor.tsx";
import { drawingWords } from "./ui/drawingWords.ts";
import { drawingStore } from "./ui/drawings/drawingStore.ts";
import { ListPanel } from "./ui/drawings/listPanel.tsx";
import { Rail } from "./ui/drawings/rail.tsx";
import { StyleBar } from "./ui/drawings/styleBar.tsx";
import { fullMoment, price } from "./ui/format.ts";
import { mayWrite, type Page } from "./ui/page.ts";
import { isElsewhere } from "./ui/shortcuts.ts";

interface Drawn {
  readonly api: Api;
  readonly page: Page;
  readonly panes: ReadonlySignal<readonly ChartPane[]>;
}

/** Drawings are looked at again when the page was out of sight for so long. */
const AWAY_MS = 15_000;

export function openDrawings({ api, page, panes }: Drawn): DrawingPart {
  const isOnServer = mayWrite(page.config);
  const keeping = drawingStore(page.config.user, isOnServer);
  const desk = new DrawingDesk({ server: isOnServer ? createDrawingServer(api) : null, keeping, clock: browserClock }, Math.random);
  keeping.onTold((symbol) => desk.look(symbol));
  const layers = new Map<ChartPane, DrawingLayer>();
  effect(() => {
    for (const pane of panes.value) {
      if (pane.isPlaced.value && !layers.has(pane)) layers.set(pane, drawOn(pane, desk, page));
    }
  });
  effect(() => { // what is on no chart any more is not selected either
    const selected = desk.selected.value;
    if (selected !== null && !panes.value.some((pane) => pane.state.shown.value?.symbol === selected.symbol)) desk.select(null);
  });
  listen(desk, page);
  return {
    Rail: () => h(Rail, { page, desk }),
    StyleBar: () => h(StyleBar, { page, desk }),
    List: () => h(ListPanel, { page, desk }),
    take: (kind) => desk.take(kind as DrawingKind),
    painted: (number) => [...layers].find(([pane]) => pane.page.number === number)?.[1].painted ?? [],
  };
}

function drawOn(pane: ChartPane, desk: DrawingDesk, { announcer }: Page): DrawingLayer {
  const { inside } = pane.parts;
  const { root } = inside;
  const precision = () => Math.max(0, pane.chart.precision);
  const intervalName = () => inside.shown().series?.interval.name ?? "1m";
  const words = (drawing: Drawing) => drawingWords(drawing, precision(), intervalName());
  const layer = new DrawingLayer({ inside, desk, precision });
  inside.series.attachPrimitive(layer);
  const hand = new DrawingHand({
    root, desk, layer,
    barAt: (timeMs) => barAt(inside.shown().official, timeMs) ?? inside.shown().live.find(({ candle }) => candle.time === timeMs)?.candle ?? null,
    onFull: () => announcer.tell("No more drawings fit on this market: remove some first."),
    onDrawn: (drawing) => announcer.say(`Drawn: ${words(drawing)}`),
  });
  new DrawingKeys({
    root, desk, layer, hand, words,
    start: () => {
      const candle = pane.state.pointed.peek();
      return candle === null ? null : { time: candle.time, price: candle.close };
    },
    point: ({ time, price: value }) => pane.chart.pointAt(time, value),
    say: (text) => announcer.say(text),
    placeWords: ({ time, price: value }) => `${fullMoment(time, intervalName())}, ${price(value, precision())}`,
  });
  let before: string | undefined;
  effect(() => {
    const symbol = pane.state.shown.value?.symbol;
    if (symbol !== before) hand.cancel();
    before = symbol;
    if (symbol !== undefined) void desk.of(symbol).list.value;
    void [desk.areHidden.value, desk.selected.value, desk.style.value, desk.tool.value];
    layer.update();
  });
  return layer;
}

function barAt(rows: readonly Candle[], timeMs: number): Candle | null {
  const found = at(rows, timeMs, ({ time }) => time);
  return found?.time === timeMs ? found : null;
}

function listen(desk: DrawingDesk, page: Page) {
  addEventListener("keydown", (event) => {
    const isRedo = event.key.toLowerCase() === "y" || event.shiftKey;
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(event.key.toLowerCase()) || isElsewhere(event)) return;
    const symbol = page.state.shown.peek()?.symbol;
    if (symbol === undefined) return;
    event.preventDefault();
    const isDone = isRedo ? desk.of(symbol).redo() : desk.of(symbol).undo();
    page.announcer.say(isDone ? `${isRedo ? "Done again" : "Undone"}.` : `Nothing to ${isRedo ? "do again" : "undo"}.`);
  });
  addEventListener("pagehide", () => desk.flush());
  addEventListener("online", () => desk.look());
  let hiddenMs = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      hiddenMs = browserClock.now();
      desk.flush();
    } else if (browserClock.now() - hiddenMs > AWAY_MS) desk.look();
  });
}


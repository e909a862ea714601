// Changing a drawing: a handle moved, all of it moved, its prices as its market has them.
// Never here: a pointer, pixels; which drawings there are (edits.ts).
// Invariant: what is locked is not moved; a price stays above 0 and has no more decimals than its market.

import type { Interval } from "../candles/interval.ts";
import { momentAt, placeOf, type Times } from "../candles/places.ts";
import { KINDS, type Anchor, type Drawing } from "./drawing.ts";

/** The axes that anchors lie on. */
export interface Axes {
  readonly times: Times;
  readonly interval: Interval;
  /** Decimals of the market's prices. */
  readonly precision: number;
}

/** The drawing with one of its handles (geometry.ts) somewhere else. */
export function movedHandle(drawing: Drawing, handle: number, to: Anchor): Drawing {
  if (drawing.locked) return drawing;
  const { kind, points } = drawing;
  const [a, b] = points;
  if (kind === "rectangle" && handle > 1 && a !== undefined && b !== undefined) {
    const corners = handle === 2 ? [{ ...a, time: to.time }, { ...b, price: to.price }] : [{ ...a, price: to.price }, { ...b, time: to.time }];
    return { ...drawing, points: corners };
  }
  return { ...drawing, points: points.map((point, at) => (at === handle ? along(drawing, point, to) : point)) };
}

/** All of it so many places on, each price changed by `price`: whole places, so that what lay on candles does so still. */
export function moved(drawing: Drawing, places: number, price: (before: number) => number, { times, interval, precision }: Axes): Drawing {
  if (drawing.locked) return drawing;
  const by = Math.round(places);
  const points = drawing.points.map((point) => {
    const place = placeOf(times, interval, point.time);
    const time = by === 0 || place === null ? point.time : Math.round(momentAt(times, interval, place + by) ?? point.time);
    return along(drawing, point, { time, price: rounded(price(point.price), precision) });
  });
  return { ...drawing, points };
}

/** A price as the market could have it, and above 0. */
export function rounded(price: number, precision: number): number {
  const decimals = Math.max(0, precision);
  return Number(Math.max(10 ** -decimals, price).toFixed(decimals));
}

/** A horizontal line keeps its time and a vertical one its price, wherever they are taken. */
function along({ kind }: Drawing, from: Anchor, to: Anchor): Anchor {
  const { moves } = KINDS[kind];
  if (moves === "both") return to;
  return moves === "price" ? { ...from, price: to.price } : { ...from, time: to.time };
}

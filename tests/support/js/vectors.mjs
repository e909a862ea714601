// The vectors that bind the Python and the JavaScript twins of candles/.
import { readFileSync } from "node:fs";

import { INTERVALS } from "../../../static/src/candles/interval.ts";

export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
}

/** The interval of a vector, on the grid that its official 3d candle shows. */
export function intervalOf({ interval, learned_from: learnedFrom }) {
  return learnedFrom === null ? INTERVALS[interval] : INTERVALS[interval].withPhase(learnedFrom);
}

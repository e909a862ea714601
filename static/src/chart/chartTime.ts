// Times on the chart: lightweight-charts counts in seconds, everything else here in ms.
// Never here: words for times (ui/format.ts).
// Invariant: the one place where ms become seconds and back; a bare number is not taken for seconds.

import type { Time, UTCTimestamp } from "lightweight-charts";

export function toChartTime(ms: number): UTCTimestamp {
  return (ms / 1000) as UTCTimestamp;
}

/** The ms of a time that the chart gives back: one of those that it was given. */
export function toMs(time: Time): number {
  return (time as UTCTimestamp) * 1000;
}

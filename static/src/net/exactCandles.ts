// Official candles in the exchange's own decimal text, as `/data` has it before anybody reads it as numbers.
// Never here: candles to be drawn (api.ts), files.
// Invariant: no digit is lost; ascending, each open time once.

/** Open time, open, high, low, close, volume. */
export type ExactRow = readonly [openMs: string, open: string, high: string, low: string, close: string, volume: string];

const COLUMNS = ["time", "open", "high", "low", "close", "volume"] as const;
const PAGE = 5_000;

/** More than any screen shows at the least width of a bar. */
const PAGES_MAX = 4;

const TIMEOUT_MS = 10_000;

/** All official candles that open in [startMs, endMs). */
export async function exactCandles(
  fetch: typeof globalThis.fetch, { symbol, interval, startMs, endMs }: { symbol: string; interval: string; startMs: number; endMs: number },
): Promise<ExactRow[]> {
  const rows: ExactRow[] = [];
  let fromMs = startMs;
  for (let page = 0; page < PAGES_MAX && fromMs < endMs; page += 1) {
    const query = new URLSearchParams({ symbol, interval, time: "ms", limit: String(PAGE), start: String(fromMs), end: String(endMs) });
    const response = await fetch(`/data?${query}`, { credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`The server answered with status ${response.status}.`);
    const found = rowsOf(await response.text());
    rows.push(...found);
    if (found.length < PAGE) break;
    fromMs = Number(found.at(-1)![0]) + 1;
  }
  return rows;
}

/** The columns of an answer, read as the text that they are. */
export function rowsOf(body: string): ExactRow[] {
  const columns = COLUMNS.map((name) => {
    const list = new RegExp(`"${name}":\\[([-+.eE0-9,]*)\\]`).exec(body)?.[1] ?? "";
    return list === "" ? [] : list.split(",");
  });
  return columns[0]!.map((_, i) => columns.map((column) => column[i] ?? "") as unknown as ExactRow);
}

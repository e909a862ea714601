// Redeems the token of a one-time link.
// Never here: where the token comes from, words for people, the DOM.
// Invariant: where it leads on to is one of two paths of this server.

import type { Unchecked } from "../candles/candle.ts";
import { TIMEOUT_MS, answered, refused } from "./api.ts";
import { below, fetchBelow } from "./basePath.ts";
import type { LinkAnswer } from "./protocol.ts";

/** Signs in; where to go on: the chart, or the page that asks for the second factor's code. Rejects with an `ApiError`. */
export async function redeem(link: string, csrfToken: string): Promise<string> {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await answered(fetchBelow("/login/link", { method: "POST", headers, body: JSON.stringify({ link }), signal }));
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refused(response, body);
  const { next }: Unchecked<LinkAnswer> = body ?? {};
  return below(next === "/login/code" ? next : "/");
}

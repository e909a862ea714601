// Asks again for a page that the server could not give for the moment, and opens it when it can.
// Never here: the sentence that stands on the page, which holds without any script too.
// Invariant: one request at a time, with pauses that grow to `PAUSES_MS`'s last; nothing is posted twice.

import { element } from "./ui/element.ts";

const PAUSES_MS = [2_000, 4_000, 8_000];

/** The very page may change something when it is asked for by POST; by GET it does not. */
const here = location.pathname + location.search;

element(document, "again").hidden = false;
for (let tries = 0; ; tries += 1) {
  await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]));
  const response = await fetch(here, { cache: "no-store" }).catch(() => null);
  if (response !== null && response.status < 500) break;
}
location.replace(here);

// Signs in by a one-time link: its token sits behind the #, so that no server log ever holds it.
// Never here: the form, which works without any script.
// Invariant: the token leaves the address bar before it is sent, and is sent once.

import { ApiError, createApi } from "./net/api.ts";
import { below, fetchBelow } from "./net/basePath.ts";
import { element } from "./ui/element.ts";

const USED = "This link was used already or is too old. Start the server again for a new one, or sign in below.";

const error = element(document, "error");
const csrfToken = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content;

// A link that is pasted into a tab which shows this page already changes nothing but what is behind the #.
addEventListener("hashchange", () => void follow());
await follow();

async function follow() {
  const token = new URLSearchParams(location.hash.slice(1)).get("link");
  if (token !== null) await redeem(token);
}

async function redeem(token: string) {
  history.replaceState(null, "", location.pathname + location.search);
  element(document, "waiting").hidden = false;
  error.hidden = true;
  try {
    await createApi({ fetch: fetchBelow, csrfToken }).redeem(token);
    location.replace(below("/"));
  } catch (refusal) {
    element(document, "waiting").hidden = true;
    error.textContent = refusal instanceof ApiError && refusal.status === 401 ? USED : (refusal as Error).message;
    error.hidden = false;
  }
}

// Signs in by a one-time link: its token sits behind the #, so that no server log ever holds it.
// Never here: the form, which works without any script.
// Invariant: the token leaves the address bar before it is sent, and is sent once.

import { createApi } from "./api.js";

const USED = "This link was used already or is too old. Start the server again for a new one, or sign in below.";

const error = document.getElementById("error");
const token = new URLSearchParams(location.hash.slice(1)).get("link");
const csrfToken = document.querySelector('meta[name="csrf-token"]').content;

if (token !== null) await redeem();

async function redeem() {
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("waiting").hidden = false;
  try {
    await createApi({ fetch: (...request) => fetch(...request), csrfToken }).redeem(token);
    location.replace("/");
  } catch (refusal) {
    document.getElementById("waiting").hidden = true;
    error.textContent = refusal.status === 401 ? USED : refusal.message;
    error.hidden = false;
  }
}

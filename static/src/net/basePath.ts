// Below which path of its host the page lives: every address of ours begins with it.
// Never here: which addresses there are; where the server was told of the path (PUBLIC_URL).
// Invariant: without such a path every address is as it was given.

/** What the server has put into the page. */
const BASE = globalThis.document?.documentElement.dataset["base"] ?? "";

/** The address of one of our paths, which begins with a slash. */
export function below(path: string): string {
  return BASE + path;
}

/** Asks for one of our paths, as `fetch` does. */
export const fetchBelow = ((path: string, options?: RequestInit) => fetch(below(path), options)) as typeof fetch;

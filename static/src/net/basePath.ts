// Below which path of its host the page lives: every address of ours begins with it.
// Never here: which addresses there are; where the server was told of the path (PUBLIC_URL).
// Invariant: without such a path every address is as it was given.

/** What the server has put into the page. */
const BASE = globalThis.document?.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? "";

/** The address of one of our paths, which begins with a slash. */
export function below(path: string): string {
  return `${BASE}${path}`;
}

/** Asks for one of our paths, as `fetch` does. */
export function fetchBelow(path: string | URL | Request, options?: RequestInit): Promise<Response> {
  return fetch(typeof path === "string" ? below(path) : path, options);
}

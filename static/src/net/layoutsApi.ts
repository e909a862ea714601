// The named layouts that the server keeps for a user, read and changed.
// Never here: what a layout is (state/layout.ts checks it), when one is saved, the DOM.
// Invariant: each call resolves with what was asked for, or rejects with a sentence for people.

import { TIMEOUT_MS, answered, refused } from "./api.ts";

/** A layout that is kept, by its name. */
export interface NamedLayout {
  readonly name: string;
  readonly version: number;
}

const NOT_FOUND = 404;

/** `fetch` and the CSRF token come in; what comes out are the calls. */
export function createLayouts({ fetch, csrfToken }: { readonly fetch: typeof globalThis.fetch; readonly csrfToken: string }) {
  const pathOf = (name: string) => `/layouts/${encodeURIComponent(name)}`;

  async function ask(path: string, method = "GET", sent?: object): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const headers = { Accept: "application/json", ...(method === "GET" ? {} : { "X-CSRFToken": csrfToken }), ...(sent === undefined ? {} : { "Content-Type": "application/json" }) };
    const body = sent === undefined ? undefined : JSON.stringify(sent);
    const response = await answered(fetch(path, { method, headers, body, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) }));
    const told: unknown = await response.json().catch(() => null);
    if (!response.ok && !(response.status === NOT_FOUND && method !== "PUT")) throw refused(response, told);
    return { status: response.status, body: typeof told === "object" && told !== null ? told as Record<string, unknown> : {} };
  }

  return Object.freeze({
    async names(): Promise<NamedLayout[]> {
      const { layouts } = (await ask("/layouts")).body;
      const isSound = (one: Partial<NamedLayout> | null): one is NamedLayout => typeof one?.name === "string" && typeof one.version === "number";
      return (Array.isArray(layouts) ? layouts : []).filter(isSound);
    },

    /** As the server keeps it, unchecked; null where there is none of that name. */
    async read(name: string): Promise<unknown> {
      const { status, body } = await ask(pathOf(name));
      return status === NOT_FOUND ? null : body.layout;
    },

    /** Makes it (version 0), or replaces that version. */
    async save(name: string, layout: object, version: number): Promise<void> {
      await ask(pathOf(name), "PUT", { layout, version });
    },

    /** Takes it away, if it is there. */
    async remove(name: string): Promise<void> {
      await ask(pathOf(name), "DELETE");
    },
  });
}

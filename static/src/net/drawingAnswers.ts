// The drawings of a market as the server keeps them: read, and saved over the version that they were made from.
// Never here: what a drawing is, what to do about a conflict, retries.
// Invariant: a save that another one was faster than says so, with what is stored instead.

import type { DrawingFields } from "../drawings/drawing.ts";
import { ApiError, type Api } from "./api.ts";
import type { DrawingsAnswer } from "./protocol.ts";

/** Drawings as JSON has them, unchecked, and their version (0: none). */
export interface StoredDrawings {
  readonly drawings: readonly unknown[];
  readonly version: number;
}

export interface SavedDrawings {
  readonly isConflict: boolean;
  /** What the server has now. */
  readonly stored: StoredDrawings;
}

export interface DrawingServer {
  readonly read: (symbol: string) => Promise<StoredDrawings>;
  readonly save: (symbol: string, drawings: readonly DrawingFields[], version: number) => Promise<SavedDrawings>;
}

export function createDrawingServer({ request }: Pick<Api, "request">): DrawingServer {
  const path = (symbol: string) => `/drawings/${encodeURIComponent(symbol)}`;
  return {
    read: async (symbol) => stored(await request(path(symbol))),
    save: async (symbol, drawings, version) => {
      try {
        const body = { drawings, version } satisfies DrawingsAnswer; // what is answered is sent in the same form
        return { isConflict: false, stored: stored(await request(path(symbol), { method: "PUT", body })) };
      } catch (error) {
        if (error instanceof ApiError && error.code === "conflict") return { isConflict: true, stored: stored(error.current) };
        throw error;
      }
    },
  };
}

function stored(body: unknown): StoredDrawings {
  const { drawings, version } = (body ?? {}) as Partial<Record<keyof StoredDrawings, unknown>>;
  if (!Array.isArray(drawings) || typeof version !== "number") throw new ApiError(200, "malformed", "The server's answer was not readable.");
  return { drawings, version };
}

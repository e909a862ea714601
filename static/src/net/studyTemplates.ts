// A user's study templates, as the server keeps them: lists of studies under names.
// Never here: what is done with a template, words but the server's.
// Invariant: an answer holds checked studies only; a refusal is told in the server's own words.

import { checkedStudies, type Study } from "../studies/study.ts";

export interface StudyTemplate {
  readonly name: string;
  readonly studies: readonly Study[];
  /** 0: not kept yet. */
  readonly version: number;
}

const TIMEOUT_MS = 10_000;

export class StudyTemplates {
  readonly #fetch: typeof globalThis.fetch;
  readonly #csrfToken: string;

  constructor(fetch: typeof globalThis.fetch, csrfToken: string) {
    this.#fetch = fetch;
    this.#csrfToken = csrfToken;
  }

  /** All of them, by name. */
  async all(): Promise<StudyTemplate[]> {
    const { templates } = (await this.#ask("GET", "")) as { templates?: unknown };
    return Array.isArray(templates) ? templates.flatMap(templateOf) : [];
  }

  /** Keeps these studies under that name, instead of those that are there. */
  async save({ name, studies, version }: StudyTemplate): Promise<void> {
    await this.#ask("PUT", name, JSON.stringify({ studies, version }));
  }

  async remove(name: string): Promise<void> {
    await this.#ask("DELETE", name);
  }

  async #ask(method: string, name: string, body?: string): Promise<unknown> {
    const headers = { Accept: "application/json", "X-CSRFToken": this.#csrfToken, ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
    const path = name === "" ? "/study-templates" : `/study-templates/${encodeURIComponent(name)}`;
    const response = await this.#fetch(path, { method, headers, body, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer: { readonly detail?: unknown } | null = response.status === 204 ? {} : await response.json().catch(() => null);
    if (response.ok && answer !== null) return answer;
    throw new Error(typeof answer?.detail === "string" ? answer.detail : `The server answered with status ${response.status}.`);
  }
}

function templateOf(raw: { readonly [K in keyof StudyTemplate]?: unknown }): StudyTemplate[] {
  const studies = checkedStudies(raw.studies);
  return typeof raw.name === "string" && typeof raw.version === "number" && studies.length > 0 ? [{ name: raw.name, studies, version: raw.version }] : [];
}

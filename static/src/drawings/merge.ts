// Two lists that were made of one: what was changed here and what was changed elsewhere become one list.
// Never here: who saves it, and when.
// Invariant: a change on one side alone is kept; of two changes of one drawing ours is; a drawing that one side took
// away and the other changed stays, for nothing that somebody drew is lost unseen.

import { DRAWINGS_MAX, isSame, type Drawing } from "./drawing.ts";

type List = readonly Drawing[];

/** `base` is what both began with. In the order of theirs, then what is new of ours. */
export function merged(base: List, ours: List, theirs: List): Drawing[] {
  const [before, mine, other] = [base, ours, theirs].map((list) => new Map(list.map((one) => [one.id, one])));
  const ids = new Set([...theirs, ...ours].map(({ id }) => id));
  const found = [...ids].flatMap((id) => {
    const one = chosen(before!.get(id), mine!.get(id), other!.get(id));
    return one === undefined ? [] : [one];
  });
  return found.slice(0, DRAWINGS_MAX);
}

function chosen(base: Drawing | undefined, ours: Drawing | undefined, theirs: Drawing | undefined): Drawing | undefined {
  if (isUnchanged(base, ours)) return theirs;
  return ours ?? (isUnchanged(base, theirs) ? undefined : theirs);
}

function isUnchanged(base: Drawing | undefined, now: Drawing | undefined): boolean {
  return base === undefined || now === undefined ? base === now : isSame(base, now);
}

// The elements of the page's own markup, by id.
// Never here: making elements, what is done with them.
// Invariant: an element that the markup lacks is an error at once, with its id.

/** The element of that id. */
export function element(document: Document, id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element #${id}.`);
  return found;
}

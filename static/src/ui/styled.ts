// Waits for the page's stylesheets: WebKit, and so Safari, runs modules before they are there, and a chart that was drawn without its colours stays black.
// Never here: stylesheets that come later (laterOn).
// Invariant: it ends, also where a stylesheet fails.

type Sheets = Pick<Document, "querySelectorAll" | "readyState">;

/** Resolves at once where the page is styled already, as in every other browser. */
export async function styled(page: Sheets = document, whole: EventTarget = window): Promise<void> {
  const links = [...page.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')];
  const coming = links.filter((link) => link.sheet === null);
  if (coming.length === 0 || page.readyState === "complete") return;
  const loaded = coming.map((link) => first(link, "load", "error"));
  await Promise.race([Promise.all(loaded), first(whole, "load")]);
}

function first(target: EventTarget, ...names: string[]): Promise<void> {
  return new Promise((resolve) => {
    for (const name of names) target.addEventListener(name, () => resolve(), { once: true });
  });
}

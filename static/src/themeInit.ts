// Sets the kept theme and colours before the first paint. A classic script: a module would come too late.
// Never here: anything else.
// Invariant: only the words of a theme or of a pair of colours are taken from storage.
(function () {
  "use strict";
  try {
    const { dataset } = document.documentElement;
    for (const word of (localStorage.getItem("truecandle.theme") ?? "").split(" ")) {
      if (word === "dark" || word === "light") dataset.theme = word;
      if (word === "red-green" || word === "blue-orange") dataset.colors = word;
    }
    // A phone's own bar: the colours of --surface, one for each scheme until the reader has chosen.
    const metas = document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]');
    const chosen = [...metas].find((meta) => dataset.theme !== undefined && meta.media.includes(dataset.theme));
    if (chosen !== undefined) for (const meta of metas) meta.content = chosen.content;
  } catch {
    return;
  }
})();

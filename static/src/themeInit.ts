// Sets the stored theme before the first paint. A classic script: a module would come too late.
// Never here: anything that is not seen at once.
// Invariant: only "dark" or "light" is taken from storage.
(function () {
  "use strict";
  try {
    const theme = localStorage.getItem("truecandle.theme");
    if (theme !== "dark" && theme !== "light") return;
    document.documentElement.dataset.theme = theme;
    // A phone's own bar: the colours of --surface, one for each scheme until the reader has chosen.
    const metas = document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]');
    const chosen = [...metas].find((meta) => meta.media.includes(theme));
    for (const meta of metas) meta.content = chosen?.content ?? meta.content;
  } catch {
    return;
  }
})();

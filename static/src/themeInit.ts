// Sets the stored theme before the first paint. A classic script: a module would come too late.
// Never here: anything else.
// Invariant: only "dark" or "light" is taken from storage.
(function () {
  "use strict";
  try {
    const theme = localStorage.getItem("truecandle.theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    return;
  }
})();

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
  } catch {
    return;
  }
})();

// What the head of every page runs, as a classic script: the kept theme before the first paint, and whether this browser is too old.
// Never here: anything that a browser of 2015 would not understand, or none of it would run there.
// Invariant: only words of a theme or of a pair of colours are taken from storage; what a browser is asked for the page really uses.
(function () {
  "use strict";
  try {
    wearKept();
  } catch (error) { // a browser that forbids storage
    void error;
  }
  document.addEventListener("DOMContentLoaded", function () {
    var sentence = document.getElementById("too-old");
    if (sentence !== null && isTooOld()) sentence.removeAttribute("hidden");
  });

  function wearKept() {
    var root = document.documentElement;
    var words = (localStorage.getItem("truecandle.theme") || "").split(" ");
    for (var i = 0; i < words.length; i += 1) {
      if (words[i] === "dark" || words[i] === "light") root.setAttribute("data-theme", words[i]!);
      if (words[i] === "red-green" || words[i] === "blue-orange") root.setAttribute("data-colors", words[i]!);
    }
    colorBrowser(root.getAttribute("data-theme"));
  }

  /** A phone's own bar: the colours of --surface, one for each scheme until the reader has chosen. */
  function colorBrowser(theme: string | null) {
    var metas = document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]');
    for (var i = 0; theme !== null && i < metas.length; i += 1) {
      if (metas[i]!.media.indexOf(theme) < 0) continue;
      for (var j = 0; j < metas.length; j += 1) metas[j]!.content = metas[i]!.content;
      return;
    }
  }

  function isTooOld() {
    return typeof Object.hasOwn !== "function" || // ES2022
      typeof Array.prototype.findLast !== "function" || typeof Array.prototype.toReversed !== "function" || // ES2023
      typeof AbortSignal === "undefined" || typeof AbortSignal.any !== "function" ||
      typeof ResizeObserver === "undefined" ||
      !("popover" in HTMLElement.prototype) ||
      !("noModule" in HTMLScriptElement.prototype);
  }
})();

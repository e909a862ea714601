// Tells a browser that is too old for the page to say so, in a sentence that stands in the page already.
// Never here: anything that a browser of 2015 would not understand; a module would never run there.
// Invariant: what is asked for is what the page really uses.
(function () {
  "use strict";
  var missing =
    typeof Object.hasOwn !== "function" || // ES2022
    typeof Array.prototype.findLast !== "function" || typeof Array.prototype.toReversed !== "function" || // ES2023
    typeof AbortSignal === "undefined" || typeof AbortSignal.any !== "function" ||
    typeof ResizeObserver === "undefined" ||
    !("popover" in HTMLElement.prototype) ||
    !("noModule" in HTMLScriptElement.prototype);
  var sentence = document.getElementById("too-old");
  if (missing && sentence !== null) sentence.removeAttribute("hidden");
})();

/* The operations page looks again every few seconds; whoever is on a button of it stays there. */

(function () {
  "use strict";

  let last = null;

  document.addEventListener("focusin", (event) => {
    last = event.target.closest("#ops-live") ? event.target.id : null;
  });

  new MutationObserver(() => {
    if (!last || document.activeElement !== document.body) return;
    const again = document.getElementById(last);
    if (again && again.closest("#ops-live")) again.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();

/* The operations page looks again every few seconds; whoever is on a button of it stays there. */

(function () {
  "use strict";

  const LIVE = "#ops-live, #ops-mails";
  let last = null;

  document.addEventListener("focusin", (event) => {
    last = event.target.closest(LIVE) ? event.target.id : null;
  });

  new MutationObserver(() => {
    if (!last || document.activeElement !== document.body) return;
    const again = document.getElementById(last);
    if (again && again.closest(LIVE)) again.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();

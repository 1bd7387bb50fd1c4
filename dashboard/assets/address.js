/* Where Nadir lives below a path of a shared host: window.nadirAt makes the address to ask for out of one of the
   program's own, window.nadirPath the program's own out of one the browser shows. */
(function () {
  "use strict";
  const base = document.documentElement.dataset.base || "";
  window.nadirAt = (address) => (/^\/(?!\/)/.test(address) ? base + address : address);
  window.nadirPath = (path) => (base && (path === base || path.startsWith(base + "/")) ? path.slice(base.length) || "/" : path);
})();

/* Forms of parts/form_guard.py: leaving with something typed asks, and another tab on another patient is said. */

(function () {
  "use strict";

  let touched = null;

  document.addEventListener("input", (event) => {
    touched = event.target.closest("[data-unsaved]") || touched;
  });

  function unsaved() {
    if (!touched || !touched.isConnected || touched.hidden) return null;
    const fields = [...touched.querySelectorAll("textarea")];
    return touched.id === "correct-form" || fields.some((field) => field.value.trim()) ? touched : null;
  }

  window.addEventListener("beforeunload", (event) => {
    if (unsaved()) event.preventDefault();
  });

  window.addEventListener(
    "click",
    (event) => {
      const form = unsaved();
      if (!form || !event.target.closest("a[href]")) return;
      if (window.confirm(form.dataset.unsaved)) {
        touched = null;
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  /* entry-whole.js tells every tab which patient this one shows. */
  const others = new Map();

  function warn() {
    for (const place of document.querySelectorAll("[data-other-tabs]")) {
      const elsewhere = [...new Set(others.values())].filter((mrn) => mrn && mrn !== place.dataset.mrn);
      const text = elsewhere.length ? place.dataset.otherTabs.replace("{others}", elsewhere.join(", ")) : "";
      if (place.textContent !== text) place.textContent = text;
      place.classList.toggle("notice", Boolean(text));
    }
  }

  new BroadcastChannel("nadir-patient").addEventListener("message", ({ data }) => {
    others.set(data.tab, data.mrn);
    warn();
  });
  window.setInterval(warn, 1000);
})();

/* Fields that belong to one answer of a choice: shown while it is chosen, and sent only then (entry-fields.js). */

(function () {
  "use strict";

  const entry = (window.nadirEntry = window.nadirEntry || {});

  entry.showFor = function (box, shows) {
    box.dataset.shows = JSON.stringify(shows);
    box.hidden = true;
  };

  entry.show = function (root) {
    for (const box of root.querySelectorAll("[data-shows]")) {
      const { field, values } = JSON.parse(box.dataset.shows);
      const chosen = root.querySelector(`[data-field="${field}"]:is(:checked, select)`);
      box.hidden = !chosen || !values.includes(chosen.value);
    }
  };

  document.addEventListener("change", (event) => {
    const root = event.target.closest && event.target.closest("[data-entry]");
    if (root) entry.show(root);
  });
})();

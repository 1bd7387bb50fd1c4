/* Choices: fields that belong to one answer are shown while it is chosen, and sent only then (entry-fields.js); a second
   click on an answer takes it back. */

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

  function answer(target) {
    const label = target.closest && target.closest(".entry-options label");
    return label && label.querySelector("input[type=radio]");
  }

  let chosen = null;

  document.addEventListener("pointerdown", (event) => {
    const one = answer(event.target);
    chosen = one && one.checked ? one : null;
  });

  document.addEventListener("click", (event) => {
    if (!chosen || event.target !== chosen) return;
    chosen.checked = false;
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
    chosen = null;
  });

  document.addEventListener("change", (event) => {
    const root = event.target.closest && event.target.closest("[data-entry]");
    if (root) entry.show(root);
  });
})();

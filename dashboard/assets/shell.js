/* After a page has arrived: its title, the mark in the navigation, and the focus for those who do not see it change. */

(function () {
  "use strict";

  let first = true;

  function markCurrent(pathname) {
    for (const link of document.querySelectorAll("#shell-nav a")) {
      if (new URL(link.href).pathname === pathname) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  function focusHeading() {
    const heading = document.querySelector("#shell-page h1");
    if (!heading) return;
    heading.setAttribute("tabindex", "-1");
    heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  // Who chooses a language stays where they are.
  document.addEventListener("formdata", (event) => {
    if (event.target.classList.contains("shell-languages")) {
      event.formData.set("next", window.location.pathname + window.location.search);
    }
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.nadir_shell = {
    arrived: function (title, pathname) {
      if (!title) return window.dash_clientside.no_update;
      document.title = title;
      markCurrent(pathname);
      if (!first) window.requestAnimationFrame(focusHeading);
      first = false;
      return pathname;
    },
  };
})();

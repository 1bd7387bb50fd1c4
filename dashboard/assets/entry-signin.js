/* Signing in again without leaving the form: the page is covered, the same person gives the password, and the code of
   the authenticator where they have one, and the form goes on.
   Only where something was typed that no draft holds yet; everything else is left for the sign-in page (session.js). */

(function () {
  "use strict";

  const entry = (window.nadirEntry = window.nadirEntry || {});
  const COVERED = "entry-covered";

  function field(label, type, name, value) {
    const box = entry.element("label", "field", label);
    const input = entry.element("input");
    Object.assign(input, { type, name, value, required: true, readOnly: Boolean(value) });
    input.autocomplete = type === "password" ? "current-password" : "username";
    box.append(input);
    return box;
  }

  const CODE = window.nadirAt("/login/code");

  function askForCode(form, words) {
    const box = field(words.code, "text", "code", "");
    const input = box.querySelector("input");
    Object.assign(input, { autocomplete: "one-time-code", maxLength: 40, spellcheck: false });
    for (const given of form.querySelectorAll(".field")) given.remove();
    form.querySelector("button").before(box);
    form.dataset.way = CODE;
    input.focus();
  }

  entry.signInAgain = function (words, goOn) {
    if (document.body.classList.contains(COVERED)) return;
    const form = entry.element("form", "card entry-again");
    const wrong = entry.element("p", "error");
    const button = entry.element("button", "button primary", words.button);
    const other = entry.element("a", "small", words.other);
    other.href = window.nadirAt("/login") + "?next=" + encodeURIComponent(window.location.pathname);
    wrong.hidden = true;
    wrong.setAttribute("role", "alert");
    form.append(
      entry.element("h1", null, words.heading),
      entry.element("p", null, words.said),
      wrong,
      field(words.email, "email", "email", words.who),
      field(words.password, "password", "password", ""),
      button,
      other,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      const given = new URLSearchParams(new FormData(form));
      try {
        const way = form.dataset.way || window.nadirAt("/login");
        const answer = await window.nadirSend(way, { method: "POST", body: given });
        if (answer.ok && new URL(answer.url).pathname === CODE) {
          askForCode(form, words);
          wrong.hidden = true;
          button.disabled = false;
          return;
        }
        if (answer.ok) {
          document.body.classList.remove(COVERED);
          form.remove();
          goOn();
          return;
        }
        wrong.textContent = answer.status === 429 ? words.wait : way === CODE ? words.wrong : words.refused;
      } catch (_) {
        wrong.textContent = words.unreached;
      }
      wrong.hidden = false;
      button.disabled = false;
    });
    document.body.append(form);
    document.body.classList.add(COVERED);
    form.querySelector("[type=password]").focus();
  };
})();

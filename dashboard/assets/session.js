/* What the server refuses is never met with silence: an ended sign-in blanks the page and leads to the sign-in page; a
   failed request says that what is shown may be old; a page that was refused leaves nothing of the previous one. A
   script that says itself what went wrong marks its request `nadirSaysItself`. */

(function () {
  "use strict";

  const send = window.fetch.bind(window);
  let leaving = false;
  // For what must see a refusal itself, such as signing in again.
  window.nadirSend = send;

  function leave() {
    if (leaving) return;
    // A form that holds what no draft has yet asks for the password where it stands.
    if (!document.dispatchEvent(new Event("nadir-signed-out", { cancelable: true }))) return;
    leaving = true;
    document.documentElement.replaceChildren();
    window.location.replace(window.nadirAt("/login?expired=1&next=") + encodeURIComponent(window.location.pathname));
  }

  function strip() {
    let found = document.getElementById("nadir-failure");
    if (!found) {
      found = document.createElement("div");
      found.id = "nadir-failure";
      found.className = "shell-failure";
      found.setAttribute("role", "alert");
      document.body.prepend(found);
    }
    return found;
  }

  function say(text) {
    const link = document.createElement("a");
    link.href = window.nadirAt("/");
    link.textContent = nadirText("To the worklist");
    strip().replaceChildren(text + " ", link);
  }

  function isPage(options) {
    return typeof options.body === "string" && options.body.includes('"output":"..shell-page.children');
  }

  function recovered(options) {
    if (!isPage(options)) return;
    document.body.classList.remove("shell-lost");
    const found = document.getElementById("nadir-failure");
    if (found) found.remove();
  }

  async function failed(response, options) {
    let words = "";
    try {
      const answer = await response.clone().json();
      words = answer.error + ". " + answer.advice;
      if (response.status >= 500) words += " " + nadirText("Request {id}", { id: answer.request }) + ".";
    } catch (_) {
      words = nadirText("Nadir did not answer as it should.");
    }
    if (isPage(options)) document.body.classList.add("shell-lost");
    else words += " " + nadirText("What you see may be old.");
    say(words);
  }

  window.fetch = async function (resource, options) {
    const ours = options || {};
    let response;
    try {
      response = await send(resource, options);
    } catch (error) {
      if (!ours.nadirSaysItself) say(nadirText("Nadir cannot be reached. What you see may be old."));
      throw error;
    }
    if (response.status === 401) leave();
    else if (response.status >= 400 && !ours.nadirSaysItself) await failed(response, ours);
    else recovered(ours);
    return response;
  };

  // A page brought back by the Back button after signing out must ask the server first.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
})();

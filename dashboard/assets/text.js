/* What the scripts say, in the language of the page: the frame brings the translations (browser_texts.py), and a text
   it does not bring is said in English. Values stand in braces. */

(function () {
  "use strict";

  let words = null;

  function translated(message) {
    if (words === null) {
      const holder = document.querySelector("[data-words]");
      if (!holder) return message;
      words = JSON.parse(holder.dataset.words);
    }
    return words[message] || message;
  }

  // A day of a form (2026-03-03) as people of the page's language read it.
  window.nadirDay = function (day) {
    const read = new Date(`${day}T12:00:00`);
    const how = { day: "numeric", month: "short", year: "numeric" };
    return isNaN(read) ? day : read.toLocaleDateString(document.documentElement.lang === "de" ? "de-DE" : "en-GB", how);
  };

  window.nadirText = function (message, values) {
    return translated(message).replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? values[name] : whole));
  };
})();

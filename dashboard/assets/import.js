/* The place to drop files on: [data-drop] names the address they are sent to. What the server answers with is an import,
   and the page of that import opens. The text of file names and answers is set as text. */

(function () {
  "use strict";

  function element(name, css, text) {
    const made = document.createElement(name);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function open(job) {
    window.history.pushState({}, "", window.nadirAt("/import/") + encodeURIComponent(job));
    window.dispatchEvent(new PopStateEvent("popstate"));
  }

  function say(zone, text, css) {
    const said = zone.querySelector(".drop-said");
    said.className = "drop-said " + (css || "");
    said.textContent = text;
  }

  async function send(zone, files) {
    if (!files.length || zone.classList.contains("busy-drop")) return;
    const form = new FormData();
    for (const file of files) form.append("file", file, file.name);
    zone.classList.add("busy-drop");
    say(zone, files.length === 1 ? nadirText("Sending {name} …", { name: files[0].name }) : nadirText("Sending {n} files …", { n: files.length }));
    try {
      const response = await window.fetch(window.nadirAt(zone.dataset.drop), { method: "POST", body: form, nadirSaysItself: true });
      const answer = await response.json();
      if (response.ok) open(answer.job);
      else say(zone, `${answer.error}: ${answer.advice}`, "error");
    } catch (_) {
      say(zone, nadirText("Not sent: the connection broke off. Files above the limit are cut off; otherwise try again."), "error");
    } finally {
      zone.classList.remove("busy-drop");
    }
  }

  function build(zone) {
    if (zone.firstChild) return; // an ancestor was added as well: the focus may already be inside
    const label = element("label", "drop");
    const input = element("input", "visually-hidden");
    input.type = "file";
    input.multiple = true;
    input.id = "import-files";
    const said = element("p", "drop-said");
    said.setAttribute("role", "status");
    label.append(input, element("span", "drop-words", nadirText("Drop files here")), element("span", "drop-choose", nadirText("or choose files")));
    zone.replaceChildren(label, said);
    input.addEventListener("change", () => {
      send(zone, Array.from(input.files));
      input.value = "";
    });
    for (const name of ["dragenter", "dragover"])
      label.addEventListener(name, (event) => {
        event.preventDefault();
        label.classList.add("over");
      });
    for (const name of ["dragleave", "drop"]) label.addEventListener(name, () => label.classList.remove("over"));
    label.addEventListener("drop", (event) => {
      event.preventDefault();
      send(zone, Array.from(event.dataTransfer.files));
    });
  }

  new MutationObserver((changes) => {
    for (const change of changes)
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches("[data-drop]")) build(node);
        node.querySelectorAll("[data-drop]").forEach(build);
      }
  }).observe(document.documentElement, { childList: true, subtree: true });

  /* A file dropped beside the zone must not make the browser leave the page for it. */
  for (const name of ["dragover", "drop"])
    document.addEventListener(name, (event) => {
      if (event.dataTransfer && Array.from(event.dataTransfer.types).includes("Files")) event.preventDefault();
    });
})();

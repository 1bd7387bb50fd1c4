/* The imaging form: the lesions that are known, each in a row, and what the server makes of them as one types. */

(function () {
  "use strict";

  const entry = (window.nadirEntry = window.nadirEntry || {});
  const element = entry.element;
  const SOON_MS = 250;

  entry.kinds.lesions = function (spec, form) {
    const box = element("div", "entry-lesions");
    box.dataset.about = spec.name;
    for (const row of spec.rows) {
      const made = element("div", "entry-lesion");
      made.setAttribute("role", "group");
      made.setAttribute("aria-label", `${row.name}, ${row.about}`);
      made.dataset.row = row.row;
      const head = element("p", "entry-lesion-name");
      head.append(element("strong", null, row.name), element("span", "soft small", row.about));
      const name = element("input");
      name.type = "hidden";
      name.dataset.field = `${row.row}.name`;
      name.value = row.name;
      made.append(head, name);
      for (const field of row.fields) made.append(entry.build(field, form));
      made.append(element("span", "entry-change"));
      box.append(made);
    }
    return box;
  };

  entry.kinds.reckoned = function () {
    const box = element("div", "entry-reckoned");
    const letters = element("p", "entry-letters");
    letters.setAttribute("role", "status");
    box.append(element("h3", null, nadirText("Computed as you type")), letters, element("div", "entry-reckoned-body"));
    return box;
  };

  function line(cells, name) {
    const row = element("tr");
    cells.forEach((text, index) => {
      const cell = element(index ? "td" : "th", index ? "number" : null, text);
      if (!index) cell.scope = "row";
      row.append(cell);
    });
    return row;
  }

  function shown(root, answer) {
    const letters = root.querySelector(".entry-letters");
    const text = answer.letters && answer.letters !== answer.words ? `${answer.letters}: ${answer.words}` : answer.words;
    if (letters.textContent !== text) {
      letters.replaceChildren();
      if (answer.letters && answer.letters !== answer.words) letters.append(element("strong", null, answer.letters), ": ");
      letters.append(answer.words);
    }
    beside(root).textContent = answer.letters ? nadirText("Computed: {letters}", { letters: answer.letters }) : "";
    const body = root.querySelector(".entry-reckoned-body");
    body.replaceChildren();
    if (answer.sums.length || answer.parts.length) {
      const table = element("table", "entry-sums");
      table.append(element("caption", "visually-hidden", nadirText("Sums and parts of the computed response")));
      const rows = table.createTBody();
      for (const sum of answer.sums) rows.append(line([sum.name, sum.value, sum.change]));
      for (const part of answer.parts) rows.append(line([part.name, part.value, ""]));
      body.append(table);
    }
    if (answer.reasons.length) {
      const list = element("ul", "plain-list entry-reasons");
      for (const reason of answer.reasons) list.append(element("li", null, reason));
      body.append(list);
    }
    for (const { field, why } of answer.problems) {
      const about = root.querySelector(`[data-about="${CSS.escape(field)}"]`);
      const row = about && about.closest("[data-row]");
      const named = row ? row.getAttribute("aria-label") : "";
      body.append(element("p", "soft small", nadirText("Not counted yet: {what}", { what: `${named ? named + ": " : ""}${why}` })));
    }
    for (const change of root.querySelectorAll(".entry-change")) {
      const said = answer.changes[change.closest("[data-row]").dataset.row] || "";
      if (change.textContent !== said) change.textContent = said;
    }
  }

  /* The letters once more beside the button that saves, in sight while the lesions are typed. */
  function beside(root) {
    const bar = root.querySelector(".entry-bar");
    const found = bar.querySelector(".entry-beside");
    if (found) return found;
    const made = element("strong", "entry-beside");
    made.setAttribute("aria-hidden", "true");
    bar.insertBefore(made, bar.querySelector(".entry-state"));
    return made;
  }

  let asked = 0;

  async function reckon(root) {
    asked += 1;
    const mine = asked;
    const box = root.querySelector(".entry-reckoned");
    if (!box) return;
    const said = entry.read(root);
    delete said.wristband;
    try {
      const response = await window.fetch(window.nadirAt(root.dataset.address) + "/reckoned", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ said }),
        nadirSaysItself: true,
      });
      if (mine !== asked || !root.isConnected) return;
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      if (mine === asked) shown(root, answer);
    } catch (_) {
      if (mine === asked) root.querySelector(".entry-letters").textContent = nadirText("Not computed: no connection.");
    }
  }

  let timer = null;

  function soon(root) {
    if (!root || !root.querySelector(".entry-reckoned")) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => reckon(root), SOON_MS);
  }

  for (const name of ["input", "change"])
    document.addEventListener(name, (event) => {
      if (event.target.closest) soon(event.target.closest("[data-entry]"));
    });

  /* A form that was begun comes back filled: what it comes to is asked for as soon as it stands. */
  new MutationObserver((changes) => {
    for (const change of changes)
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        const box = node.matches(".entry-bar") ? node : node.querySelector(".entry-bar");
        if (box) soon(box.closest("[data-entry]"));
      }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();

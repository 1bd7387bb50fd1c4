/* Builds the tables of parts/rows.py from their data. Text goes in as text, links only into this application. */

(function () {
  "use strict";

  function element(name, css, text) {
    const made = document.createElement(name);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function spoken(part) {
    const both = document.createDocumentFragment();
    const seen = element("span", part.css, part.text);
    seen.setAttribute("aria-hidden", "true");
    both.append(seen, element("span", "visually-hidden", part.spoken));
    return both;
  }

  function link(part) {
    const made = element("a", null, part.text);
    if (/^\/(?!\/)/.test(part.address)) made.setAttribute("href", window.nadirAt(part.address));
    made.dataset.inApp = "";
    return made;
  }

  function line(part) {
    const space = "http://www.w3.org/2000/svg";
    const made = document.createElementNS(space, "svg");
    for (const [name, value] of [
      ["class", "spark"],
      ["role", "img"],
      ["aria-label", part.words],
      ["width", part.width],
      ["height", part.height],
      ["viewBox", `0 0 ${part.width} ${part.height}`],
    ])
      made.setAttribute(name, value);
    const drawn = document.createElementNS(space, "polyline");
    drawn.setAttribute("points", part.line);
    const end = document.createElementNS(space, "circle");
    const [x, y] = part.line.split(" ").pop().split(",");
    end.setAttribute("cx", x);
    end.setAttribute("cy", y);
    end.setAttribute("r", 2.4);
    made.append(drawn, end);
    return made;
  }

  function asking(part) {
    const made = element("button", part.css ? `ask ${part.css}` : "ask", part.css === "struck" ? undefined : part.text);
    if (part.css === "struck") made.append(element("s", null, part.text));
    made.type = "button";
    made.dataset.record = part.record;
    if (part.title !== undefined) made.title = part.title;
    return made;
  }

  function built(part) {
    if (typeof part === "string") return document.createTextNode(part);
    if (part.line !== undefined) return line(part);
    if (part.record !== undefined) return asking(part);
    if (part.address !== undefined) return link(part);
    if (part.spoken !== undefined) return spoken(part);
    const made = element("span", part.css, part.text);
    if (part.title !== undefined) made.title = part.title;
    return made;
  }

  function cell(spec) {
    const made = element(spec.heads ? "th" : "td", spec.css);
    if (spec.heads) made.scope = "row";
    if (spec.language !== undefined) made.lang = spec.language;
    if (spec.sort !== undefined) made.dataset.sort = spec.sort;
    if (spec.name !== undefined) made.dataset.name = spec.name;
    for (const part of spec.parts) made.append(built(part));
    return made;
  }

  function row(spec) {
    const made = element("tr");
    for (const [name, value] of Object.entries(spec.marks || {})) made.dataset[name] = value;
    for (const one of spec.cells) made.append(cell(one));
    return made;
  }

  function head(name, sorts) {
    const made = element("th", null, sorts ? undefined : name);
    made.scope = "col";
    if (sorts) {
      const button = element("button", "sort", name);
      button.type = "button";
      made.append(button);
    }
    return made;
  }

  function table(content) {
    const made = element("table", content.css);
    if (content.id) made.id = content.id;
    made.append(element("caption", content.id ? "visually-hidden" : null, content.caption));
    const heads = made.createTHead().insertRow();
    for (const name of content.columns) heads.append(head(name, content.sorts));
    const body = made.createTBody();
    for (const one of content.rows) body.append(row(one));
    return made;
  }

  function build(frame) {
    frame.replaceChildren(table(JSON.parse(frame.dataset.table)));
  }

  window.nadirRows = { table, parts: (spec) => spec.parts.map(built) };

  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes") build(change.target);
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches("[data-table]")) build(node);
        node.querySelectorAll("[data-table]").forEach(build);
      }
    }
  }).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["data-table"],
  });

  /* A link into the application changes the page without loading the program anew; dcc.Location hears popstate. */
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("a[data-in-app]");
    if (!chosen || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    window.history.pushState({}, "", chosen.href);
    window.dispatchEvent(new PopStateEvent("popstate"));
  });
})();

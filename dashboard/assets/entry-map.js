/* The body map: front and back, each part marked in quarters by click or key; the body surface they come to is written
   into its field. One stop of the Tab key; arrows left and right go from part to part, up and down or 0 to 4 mark. */

(function () {
  "use strict";

  const entry = (window.nadirEntry = window.nadirEntry || {});
  const SVG = "http://www.w3.org/2000/svg";
  const shares = () => [
    nadirText("none"),
    nadirText("a quarter"),
    nadirText("half"),
    nadirText("three quarters"),
    nadirText("all of it"),
  ];
  /* x, y, width, height, rounding of each part; the back is drawn to the right, seen from behind. */
  const PLACES = {
    "head-front": [68, 4, 44, 46, 20],
    "trunk-front": [58, 54, 64, 92, 12],
    "arm_right-front": [30, 58, 24, 100, 11],
    "arm_left-front": [126, 58, 24, 100, 11],
    genital: [79, 149, 22, 16, 6],
    "leg_right-front": [56, 169, 32, 120, 12],
    "leg_left-front": [92, 169, 32, 120, 12],
    "head-back": [248, 4, 44, 46, 20],
    "trunk-back": [238, 54, 64, 111, 12],
    "arm_left-back": [210, 58, 24, 100, 11],
    "arm_right-back": [306, 58, 24, 100, 11],
    "leg_left-back": [236, 169, 32, 120, 12],
    "leg_right-back": [272, 169, 32, 120, 12],
  };

  function drawn(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  entry.bodyMap = function (spec, form) {
    const box = entry.element("div", "entry-map entry-field");
    box.dataset.about = spec.name;
    const how = entry.element(
      "p",
      "entry-last",
      nadirText("Click a part for a quarter, half, three quarters, all, none. Keys: left and right choose the part, 0 to 4 mark it."),
    );
    how.id = "entry-map-how";
    const kept = entry.element("input");
    kept.type = "hidden";
    kept.dataset.field = spec.name;
    const words = entry.element("p", "entry-map-words");
    words.setAttribute("role", "status");
    const svg = drawn("svg", { viewBox: "0 0 360 310", role: "group" });
    svg.setAttribute("aria-label", nadirText("Body map, front and back"));
    svg.setAttribute("aria-describedby", how.id);
    for (const [x, label] of [[90, nadirText("front")], [270, nadirText("back")]]) {
      const title = drawn("text", { x, y: 305, class: "entry-map-side", "aria-hidden": "true" });
      title.textContent = label;
      svg.append(title);
    }
    const names = Object.keys(PLACES).filter((name) => form.parts[name]);
    const marked = Object.create(null);
    const shapes = Object.create(null);

    function surface() {
      return names.reduce((sum, name) => sum + (form.parts[name].surface * (marked[name] || 0)) / 4, 0);
    }

    function show() {
      for (const name of names) {
        const level = marked[name] || 0;
        const share = shares()[level];
        const shape = shapes[name];
        shape.setAttribute("aria-valuenow", level);
        shape.setAttribute("aria-valuetext", share);
        shape.dataset.level = level;
        shape.querySelector("text").textContent = level ? `${level * 25}` : "";
      }
      const told = names.filter((name) => marked[name]);
      const parts = told.map((name) => `${form.parts[name].words} ${shares()[marked[name]]}`);
      words.textContent = told.length
        ? nadirText("Marked: {parts}. Body surface {surface} % by the rule of nines.", {
            parts: parts.join(", "),
            surface: surface().toLocaleString(document.documentElement.lang),
          })
        : nadirText("Nothing is marked.");
    }

    function mark(name, level) {
      marked[name] = level;
      const told = names.filter((one) => marked[one]);
      kept.value = told.map((one) => `${one}:${marked[one] * 25}`).join(";");
      const field = box.closest("[data-entry]").querySelector(`[data-field="${spec.surface}"]`);
      if (field) field.value = told.length ? String(surface()) : "";
      show();
      kept.dispatchEvent(new Event("change", { bubbles: true }));
    }

    function go(name) {
      for (const one of names) shapes[one].setAttribute("tabindex", one === name ? "0" : "-1");
      shapes[name].focus();
    }

    function key(event, name) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const level = marked[name] || 0;
      const at = names.indexOf(name);
      if (event.key === "ArrowRight") go(names[(at + 1) % names.length]);
      else if (event.key === "ArrowLeft") go(names[(at + names.length - 1) % names.length]);
      else if (event.key === "ArrowUp") mark(name, Math.min(4, level + 1));
      else if (event.key === "ArrowDown") mark(name, Math.max(0, level - 1));
      else if (event.key === " ") mark(name, (level + 1) % 5);
      else if ("01234".split("").includes(event.key)) mark(name, Number(event.key));
      else return;
      event.preventDefault();
    }

    names.forEach((name, index) => {
      const [x, y, width, height, rx] = PLACES[name];
      const shape = drawn("g", {
        role: "slider",
        tabindex: index ? "-1" : "0",
        "aria-label": nadirText("{part}, {surface} % of the body", { part: form.parts[name].words, surface: form.parts[name].surface }),
        "aria-valuemin": 0,
        "aria-valuemax": 4,
        class: "entry-part",
      });
      shape.append(drawn("rect", { x, y, width, height, rx }));
      shape.append(drawn("text", { x: x + width / 2, y: y + height / 2 + 4, "aria-hidden": "true" }));
      shape.addEventListener("click", () => {
        go(name);
        mark(name, ((marked[name] || 0) + 1) % 5);
      });
      shape.addEventListener("keydown", (event) => key(event, name));
      shapes[name] = shape;
      svg.append(shape);
    });

    box.redraw = function () {
      for (const name of names) marked[name] = 0;
      for (const one of kept.value.split(";")) {
        const [name, share] = one.split(":");
        if (shapes[name]) marked[name] = Math.round(Number(share) / 25) || 0;
      }
      show();
    };
    box.append(entry.element("h3", null, spec.label), how, svg, words, kept, entry.element("span", "entry-wrong"));
    show();
    return box;
  };
})();

/* The fields of an entry form out of their data (parts/entry_fields.py): the browser's own inputs, text set as text.
   Each input carries data-field with the name under which its text is sent; units go along only with a value. */

(function () {
  "use strict";

  const entry = (window.nadirEntry = window.nadirEntry || {});
  /* Kinds of fields that other scripts bring along. */
  entry.kinds = entry.kinds || {};
  let made = 0;

  function element(name, css, text) {
    const found = document.createElement(name);
    if (css) found.className = css;
    if (text !== undefined && text !== null) found.textContent = text;
    return found;
  }
  entry.element = element;

  function id(name) {
    made += 1;
    return `entry-${name.replace(/[^a-z0-9]+/gi, "-")}-${made}`;
  }

  /* A field: its label, the control, what was known last, and a place for what is wrong. */
  function frame(spec, control, css) {
    const box = element("div", `field entry-field ${css || ""}`);
    box.dataset.about = spec.name;
    const label = element("label", null, spec.label);
    label.htmlFor = control.id;
    const said = element("span", "entry-last", [spec.hint, spec.last].filter(Boolean).join(" · "));
    said.id = control.id + "-last";
    const wrong = element("span", "entry-wrong");
    wrong.id = control.id + "-wrong";
    control.setAttribute("aria-describedby", `${said.id} ${wrong.id}`);
    box.append(label, control, said, wrong);
    return box;
  }

  function input(name, type) {
    const made = element("input");
    made.type = type || "text";
    made.id = id(name);
    made.dataset.field = name;
    made.autocomplete = "off";
    made.maxLength = 2000;
    return made;
  }

  function select(name, options, first) {
    const made = element("select");
    made.id = id(name);
    made.dataset.field = name;
    if (first !== undefined) made.append(new Option(first, ""));
    for (const [value, words] of options || []) made.append(new Option(words, value));
    return made;
  }

  function number(spec) {
    const control = input(spec.name);
    control.inputMode = "decimal";
    const box = frame(spec, control);
    if ((spec.units || []).length > 1) {
      const unit = select(spec.unit || spec.name + ".unit", spec.units);
      unit.dataset.with = spec.name;
      unit.setAttribute("aria-label", nadirText("Unit of {label}", { label: spec.label }));
      const both = element("div", "entry-pair");
      control.replaceWith(both);
      both.append(control, unit);
    } else if ((spec.units || []).length === 1) {
      const both = element("div", "entry-pair");
      control.replaceWith(both);
      both.append(control, element("span", "entry-unit", spec.units[0][1]));
    }
    return box;
  }

  function radios(spec, legend) {
    const box = element("fieldset", "entry-choice");
    box.dataset.about = spec.name;
    const name = id(spec.name);
    box.append(legend);
    const row = element("div", "entry-options");
    for (const [value, words] of spec.options) {
      const label = element("label");
      const one = element("input");
      one.type = "radio";
      one.name = name;
      one.value = value;
      one.checked = value === "";
      one.dataset.field = spec.name;
      label.append(one, element("span", null, words));
      row.append(label);
    }
    row.addEventListener("keydown", (event) => choose(event, row));
    box.append(row);
    return box;
  }

  /* The first letter of an answer chooses it, Delete takes the answer back. */
  function choose(event, row) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = Array.from(row.querySelectorAll("input"));
    let one = all.find((found) => found.nextSibling.textContent.toLowerCase().startsWith(event.key.toLowerCase()));
    if (event.key === "Delete" || event.key === "Backspace") {
      for (const found of all) found.checked = false;
      one = all[0];
    } else if (one) one.checked = true;
    else return;
    event.preventDefault();
    one.focus();
    row.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function choice(spec) {
    const box = radios(spec, element("legend", null, spec.label));
    box.classList.add("entry-field");
    box.append(element("span", "entry-last", spec.last || ""), element("span", "entry-wrong"));
    return box;
  }

  function checks(spec) {
    const box = element("fieldset", "entry-choice entry-field");
    box.dataset.about = spec.name;
    box.append(element("legend", null, spec.label));
    const row = element("div", "entry-options");
    for (const [value, words] of spec.options) {
      const label = element("label");
      const one = element("input");
      one.type = "checkbox";
      one.value = value;
      one.dataset.field = spec.name;
      label.append(one, element("span", null, words));
      row.append(label);
    }
    box.append(row, element("span", "entry-last", spec.last || ""), element("span", "entry-wrong"));
    return box;
  }

  function answers(spec) {
    const box = element("div", "entry-answers");
    for (const row of spec.rows) {
      const legend = element("legend", null, row.label);
      const made = radios({ name: row.name, options: [["yes", nadirText("yes")], ["no", nadirText("no")]] }, legend);
      made.append(element("span", "entry-last", row.last), element("span", "entry-wrong"));
      made.classList.add("entry-answer");
      box.append(made);
    }
    const none = element("button", "chip", spec.none);
    none.type = "button";
    none.addEventListener("click", () => {
      for (const row of box.querySelectorAll(".entry-options")) {
        if (!row.querySelector("input:checked")) row.querySelector("input[value=no]").checked = true;
      }
      box.dispatchEvent(new Event("change", { bubbles: true }));
    });
    box.append(none);
    return box;
  }

  function text(spec) {
    return frame(spec, input(spec.name, spec.type), spec.type === "text" ? "" : "entry-date");
  }

  function list(spec) {
    return frame(spec, select(spec.name, spec.options, spec.first || nadirText("choose")));
  }

  function planned(_spec, form) {
    const box = element("div", "entry-planned");
    if (!form.planned) {
      box.append(element("p", "soft", nadirText("No depot regimen is recorded, so nothing is planned.")));
      return box;
    }
    const fill = element("button", "chip", nadirText("Fill in as planned: {what}", { what: form.planned.words }));
    fill.type = "button";
    const late = element("p", "entry-late");
    late.setAttribute("role", "status");
    box.append(fill, late);
    fill.addEventListener("click", () => {
      const root = box.closest("[data-entry]");
      entry.fill(root, form.planned.fill);
      box.dispatchEvent(new Event("change", { bubbles: true }));
      root.querySelector('[data-field="injection.batch"]').focus();
    });
    return box;
  }

  /* Rows of a kind: one empty row stands ready, a further one comes by the button. */
  function rows(spec, form) {
    const box = element("div", "entry-rows");
    const add = element("button", "chip", spec.add);
    add.type = "button";
    let count = 0;
    function row() {
      count += 1;
      const prefix = `${spec.prefix}.${count}`;
      const made = element("div", "entry-row");
      made.setAttribute("role", "group");
      made.setAttribute("aria-label", nadirText("Line {n}", { n: count }));
      made.dataset.row = prefix;
      for (const column of spec.columns) {
        const named = { ...column, name: `${prefix}.${column.name}`, unit: `${prefix}.unit` };
        made.append(build(named, form));
      }
      box.insertBefore(made, add);
      if (spec.prefix === "lab") laboratory(made, prefix, form, count);
      return made;
    }
    add.addEventListener("click", () => row().querySelector("input, select").focus());
    box.append(add);
    box.addRow = row;
    box.dataset.prefix = spec.prefix;
    row();
    return box;
  }

  /* The units of the analyte; laboratory and date as on the line before; what the laboratory is known to report. */
  function laboratory(row, prefix, form, count) {
    const at = (name) => row.querySelector(`[data-field="${prefix}.${name}"]`);
    at("unit").dataset.with = `${prefix}.value`;
    const before = row.parentNode.querySelector(`[data-field="lab.${count - 1}.lab"]`);
    if (before) {
      at("lab").value = before.value;
      at("when").value = row.parentNode.querySelector(`[data-field="lab.${count - 1}.when"]`).value;
    }
    for (const name of ["lab", "when", "method", "low", "high"]) at(name).dataset.with = `${prefix}.value`;
    at("analyte").dataset.with = `${prefix}.value`;
    at("lab").setAttribute("list", "entry-laboratories");
    function units() {
      const known = form.analytes[at("analyte").value];
      const chosen = at("unit").value;
      at("unit").replaceChildren(new Option(nadirText("choose"), ""));
      for (const [unit, words] of known ? known.units : []) at("unit").append(new Option(words, unit));
      at("unit").value = chosen;
      row.querySelector(`[data-about="${prefix}.value"] .entry-last`).textContent = known ? known.last : "";
      const habit = form.habits.find((one) => one.lab === at("lab").value && one.analyte === at("analyte").value);
      if (!habit) return;
      for (const name of ["unit", "low", "high", "method"]) if (!at(name).value) at(name).value = habit[name];
    }
    at("analyte").addEventListener("change", units);
    at("lab").addEventListener("change", units);
    row.units = units;
  }

  const KINDS = { number, choice, checks, text, select: list, answers, planned, rows };

  function build(spec, form) {
    const made = (KINDS[spec.kind] || entry.kinds[spec.kind] || entry.bodyMap)(spec, form);
    if (spec.shows) entry.showFor(made, spec.shows);
    return made;
  }
  entry.build = build;

  /* What stands in the form: only fields in which something stands. */
  entry.read = function (root) {
    const said = Object.create(null);
    const fields = Array.from(root.querySelectorAll("[data-field]")).filter((one) => !one.closest("[data-shows][hidden]"));
    for (const one of fields) {
      const name = one.dataset.field;
      if (one.type === "radio") {
        if (one.checked && one.value) said[name] = one.value;
      } else if (one.type === "checkbox") {
        if (one.checked) said[name] = said[name] ? `${said[name]};${one.value}` : one.value;
      } else if (one.value.trim()) said[name] = one.value.trim();
    }
    for (const one of fields) if (one.dataset.with && !said[one.dataset.with]) delete said[one.dataset.field];
    return said;
  };

  /* The reverse of read; rows that are missing are added. */
  entry.fill = function (root, said) {
    for (const box of root.querySelectorAll(".entry-rows")) {
      const numbers = Object.keys(said).filter((name) => name.startsWith(box.dataset.prefix + "."));
      const last = Math.max(1, ...numbers.map((name) => Number(name.split(".")[1]) || 1));
      while (box.querySelectorAll(".entry-row").length < Math.min(last, 100)) box.addRow();
      for (const row of box.querySelectorAll(".entry-row")) {
        const analyte = row.querySelector(`[data-field="${row.dataset.row}.analyte"]`);
        if (!analyte) continue;
        analyte.value = said[`${row.dataset.row}.analyte`] || "";
        row.units();
      }
    }
    for (const one of root.querySelectorAll("[data-field]")) {
      const value = said[one.dataset.field];
      if (value === undefined) continue;
      if (one.type === "radio") one.checked = one.value === value;
      else if (one.type === "checkbox") one.checked = value.split(";").includes(one.value);
      else {
        one.value = value;
        if (one.tagName === "SELECT" && one.value !== value) {
          one.append(new Option(value, value));
          one.value = value;
        }
      }
      const section = one.closest("details");
      if (section) section.open = true;
    }
    for (const map of root.querySelectorAll(".entry-map")) map.redraw();
    entry.show(root);
  };
})();

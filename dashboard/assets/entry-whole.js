/* An entry form as a whole: built from [data-entry], kept as a draft while it is typed, saved by its button or Ctrl+S.
   "Saved" is shown only when the server answered that it is; until then what was typed stays in the fields. */

(function () {
  "use strict";

  const entry = (window.nadirEntry = window.nadirEntry || {});
  const element = entry.element;
  const SOON_MS = 500;
  const AGAIN_MS = 3000;

  function key() {
    return Array.from(window.crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  }

  class Form {
    constructor(root) {
      this.root = root;
      this.spec = JSON.parse(root.dataset.entry);
      this.key = this.spec.draft ? this.spec.draft.key : key();
      this.version = this.spec.draft ? this.spec.draft.version : this.spec.version;
      this.number = this.spec.draft ? this.spec.draft.number : 0;
      this.dirty = Boolean(this.spec.draft);
      this.confirmed = [];
      this.named = `${this.spec.name} (${this.spec.mrn})`;
      this.draw();
    }

    draw() {
      const laboratories = element("datalist");
      laboratories.id = "entry-laboratories";
      for (const lab of new Set(this.spec.habits.map((habit) => habit.lab))) laboratories.append(new Option(lab, lab));
      this.said = element("div", "entry-said");
      this.said.setAttribute("role", "alert");
      this.said.tabIndex = -1;
      this.tabs = element("div", "entry-tabs");
      this.tabs.setAttribute("role", "status");
      const first = element("section", "card entry-first");
      first.append(
        entry.build(this.spec.when, this.spec),
        entry.build({ kind: "text", type: "text", name: "wristband", label: nadirText("Wristband number"), hint: nadirText("scan or type") }, this.spec),
      );
      this.root.append(laboratories, this.tabs, first);
      for (const part of this.spec.sections) this.root.append(this.section(part));
      const bar = element("div", "entry-bar");
      this.button = element("button", "button primary", this.spec.save);
      this.button.type = "button";
      this.button.id = "entry-save";
      this.state = element("span", "entry-state soft small");
      this.state.setAttribute("role", "status");
      bar.append(this.button, element("span", "soft small", "Ctrl+S"), this.state);
      this.root.append(this.said, bar);
      this.field("when").value = this.spec.now;
      if (this.spec.draft) this.restore();
      this.button.addEventListener("click", () => this.save());
      this.root.addEventListener("input", () => this.touched());
      this.root.addEventListener("change", () => this.touched());
      this.root.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target.matches("input, select")) event.preventDefault();
      });
      this.plan();
    }

    section(part) {
      const box = element("details", "card entry-section");
      box.open = part.open;
      box.append(element("summary", null, part.title));
      if (part.note) box.append(element("p", "soft small", part.note));
      const grid = element("div", "entry-grid");
      for (const spec of part.fields) grid.append(entry.build(spec, this.spec));
      box.append(grid);
      return box;
    }

    field(name) {
      return this.root.querySelector(`[data-field="${name}"]`);
    }

    restore() {
      entry.fill(this.root, this.spec.draft.said);
      const note = element("p", "notice", nadirText("You began this on {at} and did not save it.", { at: this.spec.draft.at }) + " ");
      const drop = element("button", "chip", nadirText("Discard what I had begun"));
      drop.type = "button";
      drop.addEventListener("click", async () => {
        await this.send("/draft", this.body({}));
        this.dirty = false;
        window.location.reload();
      });
      note.append(drop);
      this.root.prepend(note);
    }

    plan() {
      const late = this.root.querySelector(".entry-late");
      const planned = this.spec.planned;
      if (!late || !planned || !planned.latest) return;
      const given = (this.field("injection.when").value || this.field("when").value).slice(0, 10);
      const off = (day) => Math.round((Date.parse(given) - Date.parse(day)) / 86400000);
      const words = off(planned.latest) > 0 ? nadirText("{n} days late", { n: off(planned.latest) })
        : off(planned.earliest) < 0 ? nadirText("{n} days early", { n: -off(planned.earliest) }) : nadirText("as planned");
      const text = given
        ? nadirText("Planned for {planned}: {words} if given on {given}.", { planned: nadirDay(planned.latest), given: nadirDay(given), words })
        : "";
      if (late.textContent !== text) late.textContent = text;
    }

    touched() {
      this.dirty = true;
      this.unkept = true;
      this.plan();
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.keep(), SOON_MS);
    }

    body(said) {
      this.number += 1;
      return { patient: this.spec.patient, key: this.key, version: this.version, number: this.number, said };
    }

    typed() {
      const said = entry.read(this.root);
      delete said.wristband;
      return said;
    }

    send(path, body) {
      return window.fetch(window.nadirAt(this.root.dataset.address) + path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        nadirSaysItself: true,
        keepalive: path === "/draft",
      });
    }

    async keep() {
      if (!this.root.isConnected || !this.dirty) return;
      const body = this.body(this.typed());
      try {
        const response = await this.send("/draft", body);
        if (!response.ok) throw new Error(String(response.status));
        const answer = await response.json();
        if (body.number === this.number) this.unkept = false;
        if (this.dirty && body.number === this.number) this.state.textContent = nadirText("Draft kept {at}; not yet in the record", { at: answer.at });
      } catch (_) {
        if (!this.dirty) return;
        this.state.textContent = nadirText("The draft is not kept: no connection. Trying again.");
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.keep(), AGAIN_MS);
      }
    }

    async save() {
      if (this.saving) return;
      this.saving = true;
      this.button.disabled = true;
      window.clearTimeout(this.timer);
      this.clear();
      for (const one of this.root.querySelectorAll(".entry-ask input:checked")) this.confirmed.push(one.value);
      const wristband = this.field("wristband").value;
      const body = { ...this.body(this.typed()), confirmed: this.confirmed, wristband };
      try {
        await this.answered(await this.until(body));
      } finally {
        this.saving = false;
        this.button.disabled = false;
      }
    }

    /* The same save again until the server answers: its key makes sure that it is stored once. */
    async until(body) {
      for (;;) {
        try {
          const response = await this.send("", body);
          if (response.status !== 502 && response.status !== 503) return response;
        } catch (_) {
          if (!this.root.isConnected) throw _;
        }
        this.state.textContent = nadirText("Not saved yet: no connection. Trying again; leave the page open.");
        await new Promise((go) => window.setTimeout(go, AGAIN_MS));
      }
    }

    async answered(response) {
      const answer = await response.json();
      this.state.textContent = "";
      if (answer.outcome === "saved") this.saved(answer);
      else if (answer.outcome === "ask") this.ask(answer.questions);
      else if (answer.outcome === "changed") this.changed(answer);
      else if (answer.outcome === "refused") this.refused(answer.problems);
      else this.say("error", nadirText("Not saved: {why}", { why: answer.why || answer.advice || answer.error }));
      if (answer.outcome !== "saved") this.said.focus();
    }

    clear() {
      this.said.querySelectorAll(".error").forEach((one) => one.remove());
      for (const one of this.root.querySelectorAll(".entry-wrong")) one.textContent = "";
      for (const one of this.root.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
    }

    say(css, text) {
      const box = element("div", css);
      box.append(element("p", null, text));
      this.said.replaceChildren(box);
      return box;
    }

    refused(problems) {
      const box = this.say("error", nadirText("Not saved. Nothing was stored:"));
      const list = element("ul", "plain-list");
      for (const { field, why } of problems) {
        const about = this.root.querySelector(`[data-about="${CSS.escape(field)}"]`);
        const label = about && about.querySelector("label, legend, h3");
        list.append(element("li", null, `${label ? label.textContent : field}: ${why}`));
        if (!about) continue;
        about.closest("details, section").open = true;
        about.querySelector(".entry-wrong").textContent = why;
        const control = about.querySelector("input, select");
        if (control) control.setAttribute("aria-invalid", "true");
      }
      box.append(list);
    }

    ask(questions) {
      const box = this.say("notice entry-ask", nadirText("Not saved yet. Please look again:"));
      for (const question of questions) {
        const label = element("label");
        const yes = element("input");
        yes.type = "checkbox";
        yes.value = question.id;
        label.append(yes, ` ${question.words} ${nadirText("Yes, it is right.")}`);
        box.append(label);
      }
      box.append(element("p", "soft small", nadirText("Correct the field, or tick what is right and save again.")));
    }

    changed(answer) {
      const box = this.say("error", nadirText("Not saved: {why}. What was saved meanwhile, and what you typed:", { why: answer.why }));
      const table = element("table", "sides");
      const head = table.createTHead().insertRow();
      for (const name of [nadirText("Field"), nadirText("Saved meanwhile"), nadirText("Yours")]) {
        const cell = element("th", null, name);
        cell.scope = "col";
        head.append(cell);
      }
      const mine = this.typed();
      const theirs = Object.assign(Object.create(null), ...answer.theirs.map((one) => one.said));
      const rows = table.createTBody();
      for (const name of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
        const row = rows.insertRow();
        const label = this.root.querySelector(`[data-about="${CSS.escape(name)}"] :is(label, legend, h3)`);
        for (const text of [label ? label.textContent : name, theirs[name] || "", mine[name] || ""]) row.insertCell().textContent = text;
      }
      const also = element("button", "button", nadirText("Save mine as well"));
      also.type = "button";
      also.addEventListener("click", () => {
        this.version = answer.version;
        this.save();
      });
      box.append(table, also);
    }

    saved(answer) {
      this.dirty = false;
      this.root.querySelectorAll("details, section, .entry-bar, .notice").forEach((one) => one.remove());
      document.querySelectorAll(".entry-before").forEach((one) => one.remove());
      const again = answer.again ? " " + nadirText("It had been saved before; nothing was stored twice.") : "";
      const done = this.say(
        "done",
        nadirText("Saved for {patient}: {n} entries, {at}, by {who}.", {
          patient: this.named,
          n: answer.stored,
          at: answer.at,
          who: answer.who,
        }) + again,
      );
      for (const flag of answer.urgent) this.said.prepend(this.flag(flag, answer.contact));
      for (const flag of answer.changed) done.append(this.flag(flag));
      if (answer.failed) done.append(element("p", "error", nadirText("The rules were not run: {why}.", { why: answer.failed })));
      const back = element("a", "button", nadirText("To the patient's page"));
      back.href = window.nadirAt(`/p/${encodeURIComponent(this.spec.mrn)}`);
      back.dataset.inApp = "";
      this.said.append(back);
      this.said.focus();
    }

    flag(flag, contact) {
      const box = element("div", flag.severity === "urgent" ? "error entry-urgent" : "entry-flag");
      const link = element("a", null, flag.title);
      link.href = window.nadirAt(flag.address);
      link.dataset.inApp = "";
      const head = element("p");
      head.append(element("span", `severity ${flag.severity}`, flag.word), " ", link);
      box.append(head, element("p", null, flag.question), element("p", "small", flag.why));
      if (contact) box.append(element("p", null, nadirText("Call {contact}", { contact })));
      return box;
    }
  }

  let open = null;

  function build(root) {
    if (root.firstChild) return;
    open = new Form(root);
    entry.open = open;
  }

  new MutationObserver((changes) => {
    for (const change of changes)
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches("[data-entry]")) build(node);
        node.querySelectorAll("[data-entry]").forEach(build);
      }
  }).observe(document.documentElement, { childList: true, subtree: true });

  const unsaved = () => open && open.dirty && open.root.isConnected;

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    if (!open || !open.root.isConnected || !open.button.isConnected) return;
    event.preventDefault();
    open.save();
  });

  window.addEventListener("beforeunload", (event) => {
    if (unsaved()) event.preventDefault();
  });

  for (const leaving of ["pagehide", "popstate"])
    window.addEventListener(leaving, () => {
      if (unsaved()) open.keep();
    });

  document.addEventListener("nadir-signed-out", (event) => {
    if (!unsaved() || !open.unkept) return;
    event.preventDefault();
    entry.signInAgain(open.spec.again, () => open.keep());
  });

  window.addEventListener(
    "click",
    (event) => {
      if (!unsaved() || !event.target.closest("a[href]")) return;
      open.keep();
      if (window.confirm(nadirText("Leave? What you typed for {patient} is kept as a draft and is not in the record.", { patient: open.named }))) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  /* Every tab says whose page it shows; a form warns when another tab shows somebody else. */
  const channel = new BroadcastChannel("nadir-patient");
  const tab = key();
  const others = new Map();
  let told = null;

  function shown() {
    const found = /^\/p\/([^/]+)/.exec(window.nadirPath(window.location.pathname));
    return found ? decodeURIComponent(found[1]) : null;
  }

  function tell() {
    told = shown();
    channel.postMessage({ tab, mrn: told, ask: false });
  }

  function warn() {
    if (!open || !open.root.isConnected) return;
    const elsewhere = [...new Set(others.values())].filter((mrn) => mrn && mrn !== open.spec.mrn);
    const text = elsewhere.length ? nadirText("Another tab shows the patient {others}. This form is of {patient}.", { others: elsewhere.join(", "), patient: open.named }) : "";
    if (open.tabs.textContent !== text) open.tabs.textContent = text;
    open.tabs.classList.toggle("notice", Boolean(text));
  }

  channel.addEventListener("message", ({ data }) => {
    others.set(data.tab, data.mrn);
    if (data.ask) tell();
    warn();
  });
  channel.postMessage({ tab, mrn: shown(), ask: true });
  window.setInterval(() => {
    if (shown() !== told) tell();
    warn();
  }, 1000);
  window.addEventListener("pagehide", () => channel.postMessage({ tab, mrn: null, ask: false }));
})();

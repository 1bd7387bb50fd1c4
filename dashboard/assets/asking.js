/* Asking where a number comes from, and what a chart tells the page: clicks on points and stretches of time shown.

   Every [data-record] and every point of the synoptic chart puts its record into the store `patient-asked`. */

(function () {
  "use strict";

  const SETTLED_MS = 40;
  let asked = 0;
  let pointerY = 0;
  let zoom = 0;

  function ask(record) {
    asked += 1;
    window.dash_clientside.set_props("patient-asked", { data: { record, count: asked } });
  }

  document.addEventListener("pointerdown", (event) => (pointerY = event.clientY), true);

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-record]");
    if (button) {
      ask(button.dataset.record);
      return;
    }
    const unit = event.target.closest && event.target.closest("[data-unit]");
    if (unit) {
      const [name, value] = unit.dataset.unit.split("=");
      for (const other of unit.parentNode.querySelectorAll("[data-unit]"))
        other.setAttribute("aria-pressed", String(other === unit));
      window.dash_clientside.set_props("patient-unit", { data: { name, value } });
    }
    if (event.target.closest && event.target.closest("[data-refresh]"))
      window.dash_clientside.set_props("patient-refresh", { data: Date.now() });
  });

  /* A form with data-in-app asks for another view of the page it is on, without loading the program anew. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-in-app]")) return;
    event.preventDefault();
    const query = new URLSearchParams(new FormData(form));
    window.history.pushState({}, "", `${window.location.pathname}?${query}`);
    window.dispatchEvent(new PopStateEvent("popstate"));
  });

  function distance(plot, point) {
    const axis = plot._fullLayout[point.axis];
    const top = plot.getBoundingClientRect().top;
    return Math.abs(axis._offset + axis.d2p(point.y) + top - pointerY);
  }

  function synoptic() {
    return document.querySelector("#patient-synoptic .js-plotly-plot");
  }

  function shown(plot) {
    const axis = plot._fullLayout.xaxis;
    return axis.range.map((v) => axis.r2l(v));
  }

  function nearest(points) {
    const plot = synoptic();
    const found = points
      .filter((p) => p.customdata !== undefined && typeof p.customdata === "string")
      .map((p) => ({ ...p, axis: (plot.data[p.curveNumber].yaxis || "y").replace("y", "yaxis") }));
    if (!found.length) return null;
    return found.reduce((best, p) => (distance(plot, p) < distance(plot, best) ? p : best));
  }

  /* The stretch shown is told once it has stood still for a moment; nothing where the chart holds all it has already. */
  function tell(plot, event) {
    if (!plot.layout.meta || !plot.layout.meta.dense) return;
    if (!Object.keys(event).some((name) => name.startsWith("xaxis"))) return;
    window.clearTimeout(zoom);
    zoom = window.setTimeout(() => {
      window.dash_clientside.set_props("patient-window", { data: [...shown(plot), plot.layout.meta.top] });
    }, SETTLED_MS);
  }

  /* Dash writes every zoom back into its figure and then draws the whole chart a second time, which takes longer than
     the finer readings, and undoes a range chosen meanwhile. Nobody reads what it writes, so it is not let listen. It
     begins to once the chart is drawn: what it bound before is taken off, what it binds later is not taken on. */
  function hearAlone(plot) {
    plot.removeAllListeners("plotly_relayout");
    const on = plot.on;
    on("plotly_relayout", (event) => tell(plot, event));
    plot.on = (name, heard) => (name === "plotly_relayout" ? plot : on(name, heard));
    plot.on.alone = true;
  }

  function listen() {
    const plot = synoptic();
    if (plot && plot.on && !plot.on.alone) hearAlone(plot);
  }

  function markTab() {
    const nav = document.getElementById("patient-tabs");
    if (!nav) return;
    const current = new URLSearchParams(window.location.search).get("tab") || "course";
    for (const link of nav.querySelectorAll("a[data-tab]")) {
      if (link.dataset.tab === current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  /* The library that draws comes later than the page, and a chart may be made anew. */
  new MutationObserver(listen).observe(document.documentElement, { childList: true, subtree: true });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.nadir_patient = {
    clicked: function (event) {
      const point = event && event.points ? nearest(event.points) : null;
      if (!point) return window.dash_clientside.no_update;
      asked += 1;
      return { record: point.customdata, count: asked };
    },

    /* An answer for a stretch that was left meanwhile is dropped: the one for the stretch now shown is on its way. */
    refined: function (stretch) {
      const plot = synoptic();
      const still = plot && plot._fullLayout && shown(plot).every((v, i) => v === stretch.window[i]);
      if (!still) return window.dash_clientside.no_update;
      const data = plot.data.map((trace, i) => ({ ...trace, ...stretch.traces[i] }));
      window.Plotly.react(plot, data, plot.layout);
      return stretch.said;
    },

    arrived: function () {
      markTab();
      return window.dash_clientside.no_update;
    },
  };
})();

/* Range buttons of the charts, and the wheel: only with Ctrl does it zoom a chart, else it scrolls the page. */

(function () {
  "use strict";

  const DAY = 86400000;
  const SPANS = { "3m": 91 * DAY, "6m": 183 * DAY, "1y": 365 * DAY, "3y": 1096 * DAY };

  function plotOf(chartId) {
    const holder = document.getElementById(chartId);
    return holder ? holder.querySelector(".js-plotly-plot") : null;
  }

  function press(button) {
    for (const other of button.parentNode.querySelectorAll("[data-range]")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", "true");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-range]");
    if (!button) return;
    const plot = plotOf(button.closest("[data-chart]").dataset.chart);
    if (!plot || !plot.layout || !plot.layout.meta) return;
    const { first, last } = plot.layout.meta;
    const span = SPANS[button.dataset.range];
    const start = span === undefined ? first : Math.max(last - span, first);
    window.Plotly.relayout(plot, { "xaxis.range": [start, last] });
    press(button);
  });

  document.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && event.target.closest && event.target.closest(".js-plotly-plot")) event.stopPropagation();
    },
    { capture: true, passive: true },
  );
})();

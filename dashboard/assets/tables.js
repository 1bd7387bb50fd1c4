/* Sorting and filtering of tables that are already on the page: no request, no patient data leaves the browser.

   A button.sort in a column's head sorts by the cells' data-sort (numbers before texts, absent ones always last).
   A chip with data-filter="severity:high" inside [data-filters=TABLE_ID] shows only the rows whose data-severity is high;
   pressing it again shows all. The input within [data-search-in=TABLE_ID] shows the rows that contain what is typed. */

(function () {
  "use strict";

  function comparable(cell) {
    const raw = cell ? cell.dataset.sort : undefined;
    if (raw === undefined || raw === "") return null;
    const number = Number(raw);
    return Number.isNaN(number) ? raw : number;
  }

  function compare(a, b) {
    if (a === null || b === null) return a === b ? 0 : a === null ? Infinity : -Infinity;
    if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? -1 : 1;
  }

  function sort(button) {
    const head = button.closest("th");
    const table = head.closest("table");
    const column = Array.from(head.parentNode.children).indexOf(head);
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows).map((row) => [comparable(row.cells[column]), row]);
    rows.sort((x, y) => {
      const order = compare(x[0], y[0]);
      return Math.abs(order) === Infinity ? order : ascending ? order : -order;
    });
    for (const [, row] of rows) body.appendChild(row);
  }

  function show(tableId) {
    const table = document.getElementById(tableId);
    if (!table || !table.tBodies.length) return;
    const wanted = new Map();
    for (const chip of document.querySelectorAll(`[data-filters="${tableId}"] [data-filter][aria-pressed="true"]`)) {
      const [name, value] = chip.dataset.filter.split(":");
      wanted.set(name, value);
    }
    const box = document.querySelector(`[data-search-in="${tableId}"] input`);
    const text = box ? box.value.trim().toLocaleLowerCase() : "";
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const fits = [...wanted].every(([name, value]) => row.dataset[name] === value);
      row.hidden = !(fits && row.textContent.toLocaleLowerCase().includes(text));
      shown += row.hidden ? 0 : 1;
    }
    const total = table.tBodies[0].rows.length;
    const said = document.querySelector(`[data-shown="${tableId}"]`);
    if (said) said.textContent =
      shown === total ? nadirText("{n} rows", { n: total }) : nadirText("{n} of {all} rows", { n: shown, all: total });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.sort");
    if (button) sort(button);
    const chip = event.target.closest("[data-filters] [data-filter]");
    if (!chip) return;
    const group = chip.dataset.filter.split(":")[0];
    const filters = chip.closest("[data-filters]");
    const pressed = chip.getAttribute("aria-pressed") === "true";
    for (const other of filters.querySelectorAll(`[data-filter^="${group}:"]`)) other.setAttribute("aria-pressed", "false");
    chip.setAttribute("aria-pressed", String(!pressed));
    show(filters.dataset.filters);
  });

  document.addEventListener("input", (event) => {
    const holder = event.target.closest("[data-search-in]");
    if (holder) show(holder.dataset.searchIn);
  });
})();

/* The grids of parts/grid.py: their script is loaded with the first table shown; every cell is drawn by one renderer out
   of the parts of rows.js; filters, sort and columns stand in the address; paper gets a plain table of the rows loaded. */

(function () {
  "use strict";

  const NARROW = window.matchMedia("(max-width: 720px)");
  const LEAST_ROWS = 4;
  const grids = new Map();

  /* -- loading -- */

  let loading = null;

  function script(address) {
    return new Promise((done, failed) => {
      const made = document.createElement("script");
      made.src = address;
      made.async = false;
      made.onload = done;
      made.onerror = () => failed(new Error(`${address} did not arrive`));
      document.head.append(made);
    });
  }

  function load() {
    if (loading) return loading;
    const named = document.querySelectorAll('meta[name="nadir-grid"]');
    loading = Promise.all(Array.from(named, (meta) => script(meta.content))).then(() => {
      const loaded = window.dash_ag_grid;
      window.dash_ag_grid = { ...loaded, AgGrid: Grid };
      return { default: loaded.AgGrid };
    });
    return loading;
  }

  let Loaded = null;

  /* On a narrow window a grid that has cards shows them and nothing else. */
  function fitted(props, narrow) {
    const height = (props.dashGridOptions.context || {}).cardHeight;
    if (!height || !narrow) return props;
    return {
      ...props,
      columnDefs: props.columnDefs.map((column) => ({ ...column, hide: column.colId !== "card" })),
      dashGridOptions: { ...props.dashGridOptions, rowHeight: height, headerHeight: 0 },
    };
  }

  function Grid(props) {
    const React = window.React;
    const hasCards = Boolean((props.dashGridOptions.context || {}).cardHeight);
    const [matches, setMatches] = React.useState(NARROW.matches);
    const narrow = hasCards && matches;
    Loaded = Loaded || React.lazy(load);
    React.useEffect(() => {
      const turned = () => setMatches(NARROW.matches);
      NARROW.addEventListener("change", turned);
      return () => NARROW.removeEventListener("change", turned);
    }, []);
    React.useEffect(() => {
      begin(props.id);
      return () => grids.delete(props.id);
    }, [props.id, narrow]);
    const waiting = React.createElement("p", { className: "soft grid-waits" }, nadirText("The table is being loaded …"));
    const shown = { ...fitted(props, narrow), key: narrow ? "cards" : "rows" };
    return React.createElement(React.Suspense, { fallback: waiting }, React.createElement(Loaded, shown));
  }
  Grid.dashRenderType = true;
  window.dash_ag_grid = { AgGrid: Grid };

  /* -- cells -- */

  window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};
  window.dashAgGridComponentFunctions.NadirCell = function NadirCell(props) {
    const value = props.value;
    return window.React.createElement("div", {
      className: "cell" + (value && value.css ? " " + value.css : ""),
      ref: (holder) => {
        if (!holder) return;
        holder.replaceChildren(...(value ? window.nadirRows.parts(value) : []));
        for (const link of holder.querySelectorAll("a")) link.tabIndex = -1;
      },
    });
  };

  /* -- a grid on the page -- */

  async function begin(id) {
    await load();
    const api = await window.dash_ag_grid.getApiAsync(id);
    const frame = document.querySelector(`[data-grid="${id.replace(/-grid$/, "")}"]`);
    if (!frame) return;
    grids.set(id, { api, frame });
    size(api, frame);
    api.addEventListener("modelUpdated", () => size(api, frame));
    api.addEventListener("sortChanged", () => remember(frame.dataset.grid, false));
  }

  function size(api, frame) {
    const row = api.getGridOption("rowHeight");
    const rows = Math.max(api.getDisplayedRowCount(), LEAST_ROWS);
    const top = frame.getBoundingClientRect().top + window.scrollY;
    const room = NARROW.matches ? window.innerHeight - 72 : Math.max(window.innerHeight - top - 24, 360);
    frame.style.height = Math.min(rows * row + 60, room) + "px";
  }

  function each(work) {
    for (const { api, frame } of grids.values()) if (frame.isConnected) work(api, frame);
  }

  window.addEventListener("resize", () => each(size));

  /* -- filters, sort and columns: read off the page, kept in the address -- */

  function partsOf(name, selector) {
    return document.querySelectorAll(`[data-view-of="${name}"] ${selector}, [data-view-of="${name}"]${selector}`);
  }

  function pressedOff(name) {
    return Array.from(partsOf(name, '[data-column][aria-pressed="false"]'), (chip) => chip.dataset.column);
  }

  function address(name) {
    const said = new URLSearchParams();
    for (const chip of partsOf(name, '[data-set][aria-pressed="true"]')) {
      const [key, value] = chip.dataset.set.split(":");
      if (value !== "list") said.set(key, value);
    }
    for (const choice of partsOf(name, "[data-choose]")) if (choice.value) said.set(choice.dataset.choose, choice.value);
    const grid = grids.get(name + "-grid");
    const sorted = grid && grid.api.getColumnState().find((column) => column.sort);
    if (sorted) said.set("sort", `${sorted.colId}.${sorted.sort}`);
    const hidden = pressedOff(name).join(".") || "none";
    const choice = document.querySelector(`[data-view-of="${name}"][data-hidden]`);
    if (choice && hidden !== choice.dataset.hidden) said.set("hide", hidden);
    const text = said.toString();
    return text ? "?" + text : "";
  }

  function remember(name, again) {
    const search = address(name);
    window.history.replaceState(window.history.state, "", window.location.pathname + search);
    window.dash_clientside.set_props(name + "-view", { data: search });
    const grid = grids.get(name + "-grid");
    if (again && grid) grid.api.purgeInfiniteCache();
    turn(name, search);
  }

  /* The plots of a grid's page stand in its place while their tab is pressed. */
  function turn(name, search) {
    const tab = document.querySelector(`[data-tabs="${name}"] [data-set][aria-pressed="true"]`);
    if (!tab) return;
    const plotted = tab.dataset.set !== "tab:list";
    for (const part of document.querySelectorAll('[data-tab="list"]')) part.hidden = plotted;
    document.querySelector('[data-tab="plots"]').hidden = !plotted;
    if (plotted) window.dash_clientside.set_props(name + "-plotted", { data: search });
    else each(size);
  }

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-view-of] [data-set]");
    const column = event.target.closest("[data-view-of] [data-column]");
    if (chip) {
      const name = chip.closest("[data-view-of]").dataset.viewOf;
      const key = chip.dataset.set.split(":")[0];
      const on = chip.getAttribute("aria-pressed") === "true";
      const stays = chip.closest("[data-view-of]").dataset.always !== undefined;
      for (const other of partsOf(name, `[data-set^="${key}:"]`)) other.setAttribute("aria-pressed", "false");
      chip.setAttribute("aria-pressed", String(stays || !on));
      remember(name, true);
    }
    if (column) {
      const name = column.closest("[data-view-of]").dataset.viewOf;
      const on = column.getAttribute("aria-pressed") !== "true";
      column.setAttribute("aria-pressed", String(on));
      const grid = grids.get(name + "-grid");
      if (grid) grid.api.setColumnsVisible([column.dataset.column], on);
      remember(name, false);
    }
  });

  document.addEventListener("change", (event) => {
    const choice = event.target.closest("[data-view-of] [data-choose]");
    if (choice) remember(choice.closest("[data-view-of]").dataset.viewOf, true);
  });

  let typing = null;

  document.addEventListener("input", (event) => {
    const holder = event.target.closest("[data-find-in]");
    if (!holder) return;
    window.clearTimeout(typing);
    typing = window.setTimeout(() => remember(holder.dataset.findIn, true), 350);
  });

  /* -- keyboard: Enter on a cell follows its link, and where it has none that of its row -- */

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.classList || !event.target.classList.contains("ag-cell")) return;
    const index = event.target.closest(".ag-row").getAttribute("row-index");
    const row = event.target.closest(".grid-frame").querySelectorAll(`.ag-row[row-index="${index}"] a`);
    const own = event.target.querySelector("a");
    const flag = Array.from(row).find((link) => link.pathname.startsWith(window.nadirAt("/flag/")));
    const link = own || flag || row[0];
    if (link) link.click();
  });

  /* -- paper -- */

  window.addEventListener("beforeprint", () =>
    each((api, frame) => {
      const columns = api.getAllDisplayedColumns().map((column) => column.getColDef());
      const known = columns[0].colId === "card" ? api.getColumns().map((column) => column.getColDef()) : columns;
      const shown = known.filter((column) => column.colId !== "card");
      const rows = [];
      api.forEachNode((node) => {
        if (node.data) rows.push({ cells: shown.map((column) => node.data[column.field] || { parts: [] }) });
      });
      const all = api.getDisplayedRowCount();
      const said = rows.length < all ? nadirText("The first {n} of {all} rows; the file (CSV) holds all.", { n: rows.length, all }) : "";
      const paper = document.createElement("div");
      paper.className = "grid-paper";
      paper.append(
        window.nadirRows.table({ columns: shown.map((c) => c.headerName), rows, caption: said, css: "dense" }),
      );
      frame.after(paper);
    }),
  );

  window.addEventListener("afterprint", () => {
    for (const paper of document.querySelectorAll(".grid-paper")) paper.remove();
  });
})();

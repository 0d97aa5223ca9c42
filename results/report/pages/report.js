"use strict";
// Tables that sort by their headers and filter by words; without this they are plain tables.
const value = (row, i) => {
  const cell = row.cells[i];
  const number = cell.dataset.sort;
  if (number === undefined) return cell.textContent.trim().toLowerCase();
  return number === "" ? NaN : Number(number);
};

// What has no number comes last, whichever way one sorts.
const compare = (a, b) => {
  if (typeof a === "number" && typeof b === "number") {
    if (Number.isNaN(a) || Number.isNaN(b)) return NaN;
    return a - b;
  }
  return String(a).localeCompare(String(b), "en", { numeric: true });
};

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row, place) => [value(row, i), place, row]);
      rows.sort(([a, p], [b, q]) => {
        const order = compare(a, b);
        if (Number.isNaN(order)) return Number.isNaN(a) - Number.isNaN(b) || p - q;
        return (up ? order : -order) || p - q;
      });
      body.append(...rows.map(([, , row]) => row));
    });
  });
}

for (const input of document.querySelectorAll("input[data-table]")) {
  const rows = [...document.getElementById(input.dataset.table).tBodies[0].rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const said = input.closest("p").querySelector("output");
  input.closest("p").hidden = false;
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      shown += !row.hidden;
    });
    said.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
  };
  input.addEventListener("input", filter);
  filter();
}

// Charts are drawn where Bokeh is in the page; without it their section stays hidden.
const curves = document.getElementById("curves");
if (curves && window.Bokeh) {
  curves.hidden = false;
  Bokeh.set_log_level("warn");
  for (const data of document.querySelectorAll("script[data-chart]")) {
    Bokeh.embed.embed_item(JSON.parse(data.textContent), data.dataset.chart);
  }
  for (const button of curves.querySelectorAll("button[data-learner]")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", shown);
      for (const plot of Bokeh.documents.flatMap((drawn) => drawn.roots())) {
        for (const part of plot.renderers) {
          if (part.name === button.dataset.learner) part.visible = shown;
        }
      }
    });
  }
}

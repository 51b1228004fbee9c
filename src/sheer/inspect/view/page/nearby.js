// The numbers around the chosen cell as a table, for those who do not see the heat map.

import { fill, h } from "./dom.js";
import { formatNumber } from "./format.js";

const AROUND = 4;

// {el, update(matrix, place, words)}; the table is made while it is open.
export function nearbyTable() {
  const body = h("div", { class: "scroll-x", tabindex: 0, role: "group", "aria-label": "Numbers around the cell" });
  const el = h("details", { class: "nearby" }, h("summary", {}, "The numbers around it, as a table"), body);
  let last = null;
  const show = () => el.open && last && fill(body, tableAround(...last));
  el.addEventListener("toggle", show);
  return {
    el,
    update(...now) {
      last = now;
      show();
    },
  };
}

function tableAround(matrix, [row, column], words) {
  const [rows, columns] = [placesAround(row, matrix.rows), placesAround(column, matrix.columns)];
  const [down, across] = matrix.square
    ? ["pixel row", "pixel column"]
    : words.length > 1
      ? words.slice(-2)
      : ["", words[0]];
  const corner = [down && `${down} ↓`, `${across} →`].filter(Boolean).join(" ");
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, corner),
    columns.map((j) => h("th", { scope: "col" }, j)),
  );
  const cellOf = (i, j) =>
    h("td", { class: i === row && j === column ? "is-chosen" : "" }, formatNumber(matrix.at(i, j)));
  return h(
    "table",
    {},
    h("thead", {}, head),
    h(
      "tbody",
      {},
      rows.map((i) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, down ? i : "value"),
          columns.map((j) => cellOf(i, j)),
        ),
      ),
    ),
  );
}

function placesAround(place, size) {
  const count = Math.min(size, 2 * AROUND + 1);
  const first = Math.max(0, Math.min(size - count, place - AROUND));
  return Array.from({ length: count }, (_, k) => first + k);
}

// The confusion matrix of a batch, as a table whose cells filter the samples.

import { h } from "./dom.js";
import { formatPlural } from "./format.js";
import { explain } from "./meanings.js";
import { className } from "./axes.js";

// With more classes than this the table would be a wall; the mistakes are then listed.
const MOST_CLASSES = 20;
const MOST_MISTAKES = 12;

// `filter` is {label, predicted} or null; `setFilter` takes another, or null for all.
export function confusionTable(state, { rows, classes, kind }, filter, setFilter) {
  const counts = countsOf(rows);
  const words = (label) =>
    kind === "binary" && state.data.classes?.length !== 2 ? String(label) : className(state, label);
  const name = {
    of: words,
    toggle: (cell) => setFilter(isSame(cell, filter) ? null : cell),
    isChosen: (cell) => isSame(cell, filter),
  };
  if (classes > MOST_CLASSES) return mistakeList(counts, name);
  const all = Array.from({ length: classes }, (_, k) => k);
  const most = Math.max(1, ...counts.filter((c) => c.label !== c.predicted).map((c) => c.count));
  const header = h(
    "tr",
    {},
    h("th", { scope: "col" }, "is ↓ said →"),
    all.map((label) => h("th", { scope: "col" }, words(label))),
  );
  const body = all.map((label) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, words(label)),
      all.map((predicted) => countCell(counts, { label, predicted }, most, name)),
    ),
  );
  return h(
    "div",
    { class: "confusion" },
    h(
      "p",
      { class: "caption" },
      "Confusion matrix: rows are the right classes, columns the predicted. Press a cell to see its samples.",
      explain("confusion"),
    ),
    h(
      "div",
      { class: "scroll-x", tabindex: 0, role: "group", "aria-label": "Confusion matrix" },
      h("table", {}, h("thead", {}, header), h("tbody", {}, body)),
    ),
  );
}

const isSame = (a, b) => Boolean(b) && a.label === b.label && a.predicted === b.predicted;

function countsOf(rows) {
  const found = new Map();
  for (const { label, predicted } of rows) {
    const key = `${label} ${predicted}`;
    const entry = found.get(key) ?? { label, predicted, count: 0 };
    entry.count += 1;
    found.set(key, entry);
  }
  return [...found.values()];
}

function countCell(counts, cell, most, name) {
  const count = counts.find((entry) => isSame(entry, cell))?.count ?? 0;
  const isRight = cell.label === cell.predicted;
  if (!count) return h("td", { class: isRight ? "diagonal" : "" }, h("span", { class: "none" }, "·"));
  const label = `${formatPlural(count, "row")} of class ${name.of(cell.label)}, predicted ${name.of(cell.predicted)}`;
  const weight = isRight ? 0 : 12 + Math.round((33 * count) / most);
  const button = h(
    "button",
    {
      type: "button",
      "aria-label": label,
      "aria-pressed": String(name.isChosen(cell)),
      "data-cell": `${cell.label}-${cell.predicted}`,
      style: { "--weight": `${weight}%` },
      on: { click: () => name.toggle(cell) },
    },
    count,
  );
  return h("td", { class: isRight ? "diagonal" : "mistake" }, button);
}

function mistakeList(counts, name) {
  const mistakes = counts.filter(({ label, predicted }) => label !== predicted).sort((a, b) => b.count - a.count);
  const item = (cell) => {
    const text = `${cell.count} × ${name.of(cell.label)} taken for ${name.of(cell.predicted)}`;
    return h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          class: "ghost",
          "aria-pressed": String(name.isChosen(cell)),
          "data-cell": `${cell.label}-${cell.predicted}`,
          on: { click: () => name.toggle(cell) },
        },
        text,
      ),
    );
  };
  return h(
    "div",
    { class: "confusion" },
    h("p", { class: "caption" }, mistakes.length ? "The most common mistakes:" : "No mistakes in this batch."),
    h("ul", { class: "mistakes" }, mistakes.slice(0, MOST_MISTAKES).map(item)),
  );
}

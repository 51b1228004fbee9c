// What numbers should be against what the model says, a dot for each row: right is on the diagonal.

import { h, s } from "./dom.js";
import { formatNumber } from "./format.js";

const [SIDE, EDGE] = [220, 12];

export function scatterPlot(rows, goTo) {
  const all = rows.flatMap(({ target, value }) => [target, value]).filter(Number.isFinite);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const place = (number) => EDGE + ((number - low) / (high - low || 1)) * (SIDE - 2 * EDGE);
  const dot = (row) => {
    const { target, value } = row;
    if (![target, value].every(Number.isFinite)) return null;
    const text = `row ${row.row}: is ${formatNumber(target)}, predicted ${formatNumber(value)}`;
    return s(
      "circle",
      { cx: place(target), cy: SIDE - place(value), r: 3.5, on: { click: () => goTo(row) } },
      s("title", {}, text),
    );
  };
  const label = `${rows.length} rows: the right number across, the predicted one up, both from ${formatNumber(low)} to ${formatNumber(high)}`;
  return h(
    "figure",
    { class: "scatter" },
    s(
      "svg",
      { viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img", "aria-label": label },
      s("rect", { x: 0.5, y: 0.5, width: SIDE - 1, height: SIDE - 1 }),
      s("path", { d: `M${EDGE} ${SIDE - EDGE}L${SIDE - EDGE} ${EDGE}` }),
      rows.map(dot),
    ),
    h(
      "figcaption",
      { class: "caption" },
      `Across: the right number; up: the predicted one, both from ${formatNumber(low)} to ${formatNumber(high)}. On the line they agree.`,
    ),
  );
}

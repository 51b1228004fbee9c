// A value of a step in one line: its shape, its spread, and what is wrong with it.

import { h } from "./dom.js";
import { formatNumber, formatShape, formatShare } from "./format.js";
import { smallHistogram } from "./histogram.js";

// Of the statistics of a value (a StepSummary's). A single number is just that number.
export function valueLine(statistics, name = "") {
  const label = name && h("span", { class: "value-name" }, name);
  if (!statistics) return h("div", { class: "value is-missing" }, label, "no array");
  if (!statistics.shape.length) {
    return h("div", { class: "value" }, label, single(statistics));
  }
  return h(
    "div",
    { class: "value" },
    label,
    h("span", { class: "shape" }, formatShape(statistics.shape)),
    smallHistogram(statistics.histogram, 48, 16),
    h("span", { class: "range" }, rangeText(statistics)),
    h("span", { class: "zeros" }, statistics.zeros ? [formatShare(statistics.zeros), h("span", { class: "word" }, " zeros")] : ""),
    faults(statistics),
  );
}

function single({ mean, infinities, nans }) {
  if (nans) return h("strong", { class: "single fault" }, "⚠ NaN");
  if (infinities) return h("strong", { class: "single fault" }, "⚠ ∞");
  return h("span", { class: "single" }, formatNumber(mean, 4));
}

// "−2.1 … 0.031 … 3.9"
function rangeText({ minimum, mean, maximum }) {
  return [minimum, mean, maximum].map((number) => formatNumber(number, 2)).join(" … ");
}

// NaN and infinities, marked with a sign as well as with a colour.
function faults({ nans, infinities }) {
  const found = [nans && `${formatShare(nans)} NaN`, infinities && `${formatShare(infinities)} ∞`].filter(Boolean);
  return found.length ? h("strong", { class: "fault" }, `⚠ ${found.join(", ")}`) : null;
}

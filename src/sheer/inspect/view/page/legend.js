// The legend of a heat map: what its colours mean, with the numbers at their ends.

import { fill, h } from "./dom.js";
import { formatCount, formatNumber } from "./format.js";
import { cssColour, heatColours } from "./palette.js";
import { paintHeat } from "./picture.js";

const SCALE_WIDTH = 141;

// {el, draw(range)}: the range as `rangeOf` tells it.
export function heatLegend() {
  const canvas = h("canvas", { class: "heat-scale", "aria-hidden": "true" });
  const [low, high, notes] = [
    h("span", { class: "num" }),
    h("span", { class: "num" }),
    h("span", { class: "heat-notes" }),
  ];
  const el = h("div", { class: "heat-legend" }, low, canvas, high, notes);
  return {
    el,
    draw(range) {
      const from = range.isSigned ? -range.limit : 0;
      paintScale(canvas, from, range.limit);
      fill(low, `${range.isCut && range.low < from ? "≤ " : ""}${formatNumber(from)}`);
      fill(high, `${range.isCut && range.high > range.limit ? "≥ " : ""}${formatNumber(range.limit)}`);
      fill(notes, notesOf(range, canvas));
    },
  };
}

function paintScale(canvas, from, to) {
  paintHeat(canvas, 1, SCALE_WIDTH, (k) => from + ((to - from) * k) / (SCALE_WIDTH - 1), to);
}

function notesOf(range, canvas) {
  const parts = [`least ${formatNumber(range.low)}, greatest ${formatNumber(range.high)}`];
  const colours = heatColours(canvas);
  const swatch = (colour) => h("i", { class: "heat-swatch", style: { background: cssColour(colour) } });
  if (range.nans) parts.push([", ", swatch(colours.nan), `${formatCount(range.nans)} NaN`]);
  if (range.infinities) parts.push([", ", swatch(colours.infinite), `${formatCount(range.infinities)} infinite`]);
  return parts;
}

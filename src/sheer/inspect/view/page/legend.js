// The legend of a heat map: what its colours mean, with the numbers at their ends.

import { fill, h } from "./dom.js";
import { formatCount, formatNumber } from "./format.js";
import { cssColour, heatColour, heatColours } from "./palette.js";

const [SCALE_WIDTH, SCALE_HEIGHT] = [140, 10];

// {el, draw(range)}: the range as `rangeOf` tells it.
export function heatLegend() {
  const canvas = h("canvas", { class: "heat-scale", width: SCALE_WIDTH * 2, height: SCALE_HEIGHT * 2, "aria-hidden": "true" });
  const [low, high, notes] = [h("span", { class: "num" }), h("span", { class: "num" }), h("span", { class: "heat-notes" })];
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
  const brush = canvas.getContext("2d");
  const colours = heatColours(canvas);
  for (let x = 0; x < canvas.width; x += 1) {
    const value = from + ((to - from) * x) / (canvas.width - 1);
    brush.fillStyle = cssColour(heatColour(value, to, colours));
    brush.fillRect(x, 0, 1, canvas.height);
  }
}

function notesOf(range, canvas) {
  const parts = [`least ${formatNumber(range.low)}, greatest ${formatNumber(range.high)}`];
  const colours = heatColours(canvas);
  const swatch = (colour) => h("i", { class: "heat-swatch", style: { background: cssColour(colour) } });
  if (range.nans) parts.push([", ", swatch(colours.nan), `${formatCount(range.nans)} NaN`]);
  if (range.infinities) parts.push([", ", swatch(colours.infinite), `${formatCount(range.infinities)} infinite`]);
  return parts;
}

// The colours of numbers on heat maps: from the theme, safe for colour-blind eyes.

import { colourOf } from "./dom.js";

// Of a large array so many numbers, spread evenly, say where the colours end.
const SAMPLED = 20_000;

// What a heat map has to know of its numbers: {low, high, limit, isSigned, isCut, nans, infinities}.
// The colours end at `limit`; `isCut` where a few numbers lie far beyond it.
export function rangeOf(data) {
  const range = { low: Infinity, high: -Infinity, nans: 0, infinities: 0 };
  for (const value of data) {
    if (Number.isNaN(value)) range.nans += 1;
    else if (!Number.isFinite(value)) range.infinities += 1;
    else {
      if (value < range.low) range.low = value;
      if (value > range.high) range.high = value;
    }
  }
  if (range.low > range.high) range.low = range.high = 0;
  const most = Math.max(Math.abs(range.low), Math.abs(range.high));
  const usual = usualSize(data);
  range.isSigned = range.low < 0;
  range.isCut = usual > 0 && most > 1.5 * usual;
  range.limit = (range.isCut ? usual : most) || 1;
  return range;
}

// The size that all but one in a hundred of the numbers have at most, zeros left out.
function usualSize(data) {
  const step = Math.max(1, Math.floor(data.length / SAMPLED));
  const sizes = [];
  for (let k = 0; k < data.length; k += step) {
    const size = Math.abs(data[k]);
    if (size > 0 && Number.isFinite(size)) sizes.push(size);
  }
  sizes.sort((a, b) => a - b);
  return sizes.length < 50 ? 0 : sizes[Math.floor(sizes.length * 0.99)];
}

// The colours of the present theme, as [red, green, blue]; the element must be in the page.
export function heatColours(el) {
  const root = el.closest(".sheer");
  const theme = root?.dataset.theme;
  const kept = KEPT_COLOURS.get(root);
  if (kept && kept.theme === theme) return kept;
  const of = (token) =>
    colourOf(el, token)
      .match(/[\d.]+/g)
      .slice(0, 3)
      .map(Number);
  const names = ["negative", "positive", "none", "nan", "infinite", "mark", "text", "other"];
  const colours = Object.fromEntries(names.map((name) => [name, of(`--heat-${name}`)]));
  if (theme) KEPT_COLOURS.set(root, { ...colours, theme });
  return { ...colours, theme };
}
const KEPT_COLOURS = new WeakMap();

// Writes the colour of a number as the kth pixel of an image: none at 0, one hue for each sign.
export function paintNumber({ data }, k, value, limit, colours) {
  const isNumber = Number.isFinite(value);
  const from = isNumber ? colours.none : Number.isNaN(value) ? colours.nan : colours.infinite;
  const to = value < 0 ? colours.negative : colours.positive;
  const share = isNumber ? Math.min(1, Math.abs(value) / limit) : 0;
  for (let c = 0; c < 3; c += 1) data[4 * k + c] = from[c] + (to[c] - from[c]) * share;
  data[4 * k + 3] = 255;
}

// A colour as CSS says it.
export const cssColour = (colour) => `rgb(${colour.map(Math.round).join(",")})`;

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
  const of = (token) => colourOf(el, token).match(/[\d.]+/g).slice(0, 3).map(Number);
  const names = ["negative", "positive", "none", "nan", "infinite", "mark", "text", "other"];
  return Object.fromEntries(names.map((name) => [name, of(`--heat-${name}`)]));
}

// The colour of a number: none at 0, one hue for each sign.
export function heatColour(value, limit, colours) {
  if (Number.isNaN(value)) return colours.nan;
  if (!Number.isFinite(value)) return colours.infinite;
  const share = Math.min(1, Math.abs(value) / limit);
  const end = value < 0 ? colours.negative : colours.positive;
  return colours.none.map((from, k) => from + (end[k] - from) * share);
}

// A colour as CSS says it.
export const cssColour = (colour) => `rgb(${colour.map(Math.round).join(",")})`;

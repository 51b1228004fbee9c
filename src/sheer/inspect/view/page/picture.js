// A row of pixels as a picture, and an array of numbers as a strip: small canvases.

import { h } from "./dom.js";
import { heatColours, paintNumber } from "./palette.js";

// A canvas for a picture; it has its size on the page from the style of its class.
export function pictureCanvas(className, label) {
  const attributes = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return h("canvas", { class: className, ...attributes });
}

// Draws an image of an input: ink on paper for one channel, its own colours for three. `at(k)` is
// the kth number of the row; `low` and `high` what stands for none and for most.
export function paintImage(canvas, { height, width, channels }, at, low, high) {
  const { none, text } = heatColours(canvas);
  const share = (value) => Math.max(0, Math.min(1, (value - low) / (high - low || 1)));
  const colour =
    channels === 3
      ? (k, c) => 255 * share(at(3 * k + c))
      : (k, c) => none[c] + (text[c] - none[c]) * share(at(k * channels));
  paintPixels(canvas, height, width, (image, k) => {
    for (let c = 0; c < 3; c += 1) image.data[4 * k + c] = colour(k, c);
    image.data[4 * k + 3] = 255;
  });
}

// Draws signed numbers as an image in the colours of the heat maps.
export function paintHeat(canvas, height, width, at, limit) {
  const colours = heatColours(canvas);
  paintPixels(canvas, height, width, (image, k) => paintNumber(image, k, at(k), limit, colours));
}

// Draws numbers as upright strips, in blocks of the strongest where there are many.
export function paintStrip(canvas, numbers, limit) {
  const width = Math.min(numbers.length, 256);
  const strongest = (k) => {
    let found = 0;
    const [from, to] = [k, k + 1].map((edge) => Math.floor((edge * numbers.length) / width));
    for (let i = from; i < to; i += 1) if (!(Math.abs(numbers[i]) <= Math.abs(found))) found = numbers[i];
    return found;
  };
  paintHeat(canvas, 1, width, strongest, limit);
}

function paintPixels(canvas, height, width, paintPixel) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const brush = canvas.getContext("2d");
  const image = brush.createImageData(width, height);
  for (let k = 0; k < height * width; k += 1) paintPixel(image, k);
  brush.putImageData(image, 0, 0);
}

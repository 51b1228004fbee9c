// A value as a matrix that a heat map can show: all of it, a slice of it, or a row as an image.

import { offsetOf, placeAt } from "./operations.js";

// {key, rows, columns, at(row, column), indexOf(row, column), placeOf(index), square} of a tensor, at the
// index of the chosen cell: axes before the last two stand at their place there. `image` folds the
// axis of pixels, as `imageAxis` tells it; with several channels `channel` is the one shown.
export function matrixOf({ shape, data }, index, image, channel = 0) {
  if (image) return imageOf(data, shape, index, image, channel);
  const leading = index.slice(0, -2);
  const [rows, columns] = [shape.length > 1 ? shape.at(-2) : 1, shape.at(-1) ?? 1];
  const start = offsetOf(leading, shape.slice(0, -2)) * rows * columns;
  return {
    key: `from ${start}`,
    rows,
    columns,
    at: (row, column) => data[start + row * columns + column],
    indexOf: (row, column) => [...leading, ...(shape.length > 1 ? [row, column] : shape.length ? [column] : [])],
    placeOf: (at) => [shape.length > 1 ? at.at(-2) : 0, at.at(-1) ?? 0],
    square: false,
  };
}

function imageOf(data, shape, index, { axis, height, width, channels }, channel) {
  const pixel = (row, column) => (row * width + column) * channels + channel;
  const indexOf = (row, column) => index.with(axis, pixel(row, column));
  return {
    key: `image ${axis} ${channel} ${index.with(axis, 0)}`,
    rows: height,
    columns: width,
    at: (row, column) => data[offsetOf(indexOf(row, column), shape)],
    indexOf,
    placeOf: (at) => {
      const place = Math.floor(at[axis] / channels);
      return [Math.floor(place / width), place % width];
    },
    square: true,
  };
}

// The index of the number of the greatest size in a row of a value, at the others' first place; a
// NaN or an infinity before all.
export function strongestIn({ shape, data }, row) {
  if (!shape.length) return [];
  const size = data.length / shape[0];
  const start = Math.min(row, shape[0] - 1) * (shape.length > 1 ? size : 0);
  const count = shape.length > 1 ? size : shape[0];
  let found = start;
  for (let k = start; k < start + count; k += 1) {
    if (!Number.isFinite(data[k])) return placeAt(k, shape);
    if (Math.abs(data[k]) > Math.abs(data[found])) found = k;
  }
  return placeAt(found, shape);
}

// What the operations of a recipe mean: four families, and words that are made of these.
// Truth values are 0 and 1; all numbers are float64.

const truth = (compare) => (a, b) => (compare(a, b) ? 1 : 0);
const infix = (sign, strength) => ({ sign, strength });

// Number by number; operands of other shapes are stretched as NumPy stretches them.
export const ELEMENTWISE = {
  "+": { of: (a, b) => a + b, ...infix("+", 1) },
  "-": { of: (a, b) => a - b, ...infix("−", 1) },
  "*": { of: (a, b) => a * b, ...infix("·", 2) },
  "/": { of: (a, b) => a / b, ...infix("/", 2) },
  "//": { of: (a, b) => Math.floor(a / b), ...infix("//", 2) },
  "%": { of: (a, b) => a - b * Math.floor(a / b), ...infix("mod", 2) },
  "**": { of: (a, b) => a ** b, ...infix("^", 4) },
  ">": { of: truth((a, b) => a > b), ...infix(">", 0) },
  "<": { of: truth((a, b) => a < b), ...infix("<", 0) },
  ">=": { of: truth((a, b) => a >= b), ...infix("≥", 0) },
  "<=": { of: truth((a, b) => a <= b), ...infix("≤", 0) },
  "==": { of: truth((a, b) => a === b), ...infix("=", 0) },
  "!=": { of: truth((a, b) => a !== b), ...infix("≠", 0) },
  floor_divide: { of: (a, b) => Math.floor(a / b), ...infix("//", 2) },
  mod: { of: (a, b) => a - b * Math.floor(a / b), ...infix("mod", 2) },
  power: { of: (a, b) => a ** b, ...infix("^", 4) },
  logical_and: { of: truth((a, b) => a && b), ...infix("and", 0) },
  logical_or: { of: truth((a, b) => a || b), ...infix("or", 0) },
  logical_not: { of: (a) => (a ? 0 : 1) },
  negative: { of: (a) => -a },
  square: { of: (a) => a * a },
  isnan: { of: (a) => (Number.isNaN(a) ? 1 : 0) },
  isinf: { of: (a) => (Math.abs(a) === Infinity ? 1 : 0) },
  isfinite: { of: (a) => (Number.isFinite(a) ? 1 : 0) },
  logaddexp: { of: (a, b) => (a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))) },
  truncated: { of: Math.trunc },
  truth: { of: (a) => (a ? 1 : 0) },
  maximum: { of: (a, b) => (a > b || Number.isNaN(a) ? a : b) },
  minimum: { of: (a, b) => (a < b || Number.isNaN(a) ? a : b) },
  where: { of: (condition, a, b) => (condition ? a : b) },
};
const OF_MATH = "exp expm1 log log1p log2 log10 sqrt tanh sinh cosh sin cos abs sign floor ceil";
for (const name of OF_MATH.split(" ")) ELEMENTWISE[name] = { of: Math[name] };

const best = (isBetter) => (values) => {
  let found = 0;
  for (let k = 1; k < values.length; k += 1) if (isBetter(values[k], values[found])) found = k;
  return found;
};
const sumOf = (values) => values.reduce((total, value) => total + value, 0);
const highest = best((a, b) => a > b || (Number.isNaN(a) && !Number.isNaN(b)));
const lowest = best((a, b) => a < b || (Number.isNaN(a) && !Number.isNaN(b)));

// Along axes: many numbers become one.
export const REDUCTIONS = {
  sum: { of: sumOf, word: "Σ" },
  mean: { of: (values) => sumOf(values) / values.length, word: "mean" },
  max: { of: (values) => values[highest(values)], word: "max" },
  min: { of: (values) => values[lowest(values)], word: "min" },
  argmax: { of: highest, word: "place of the max" },
  argmin: { of: lowest, word: "place of the min" },
  prod: { of: (values) => values.reduce((total, value) => total * value, 1), word: "Π" },
  any: { of: (values) => (values.some((value) => value) ? 1 : 0), word: "any" },
  all: { of: (values) => (values.every((value) => value) ? 1 : 0), word: "all" },
};

// A number of the result is a number of an operand: which one, of which operand.
// `shape(shapes, attributes)` is the result's; `source(index, shapes, attributes, read)` answers
// [number of the operand, index in it]; `read(operand, index)` reads a number that decides.
export const MOVES = {
  T: {
    shape: ([a]) => [...a].reverse(),
    source: (index) => [0, [...index].reverse()],
  },
  transpose: {
    shape: ([a], { axes }) => (axes ? axes.map((axis) => a[axis]) : [...a].reverse()),
    source: (index, [a], { axes }) => {
      if (!axes) return [0, [...index].reverse()];
      const from = a.map(() => 0);
      axes.forEach((axis, k) => (from[axis] = index[k]));
      return [0, from];
    },
  },
  reshape: {
    shape: ([a, ...sizes], attributes, read) =>
      reshaped(
        a,
        sizes.map((_, k) => read(k + 1, [])),
      ),
    source: (index, [a, ...sizes], attributes, read) => {
      const shape = reshaped(
        a,
        sizes.map((_, k) => read(k + 1, [])),
      );
      return [0, placeAt(offsetOf(index, shape), a)];
    },
  },
  expand_dims: {
    shape: ([a], { axis }) => newAxes(axis, a.length).reduce((shape, k) => shape.toSpliced(k, 0, 1), a),
    source: (index, [a], { axis }) => [0, index.filter((_, k) => !newAxes(axis, a.length).includes(k))],
  },
  squeeze: {
    shape: ([a], { axis }) => a.filter((size, k) => !isSqueezed(a, axis, k)),
    source: (index, [a], { axis }) => {
      const left = [...index];
      return [0, a.map((size, k) => (isSqueezed(a, axis, k) ? 0 : left.shift()))];
    },
  },
  stretched: {
    shape: ([a, ...sizes], attributes, read) => sizes.map((_, k) => read(k + 1, [])),
    source: (index, [a]) => [0, stretchedIndex(index, a)],
  },
  slice: {
    shape: ([a], { key }) => slicesOf(a, key).flatMap((s) => s.sizes),
    source: (index, [a], { key }) => {
      const left = [...index];
      return [0, slicesOf(a, key).flatMap((s) => s.place(left))];
    },
  },
  flip: {
    shape: ([a]) => a,
    source: (index, [a], { axis }) => {
      const axes = axis == null ? a.map((_, k) => k) : [axis].flat().map((k) => axisOf(k, a.length));
      return [0, index.map((place, k) => (axes.includes(k) ? a[k] - 1 - place : place))];
    },
  },
  stack: {
    shape: (shapes, { axis = 0 }) => shapes[0].toSpliced(axisOf(axis, shapes[0].length + 1), 0, shapes.length),
    source: (index, shapes, { axis = 0 }) => {
      const along = axisOf(axis, index.length);
      return [index[along], index.toSpliced(along, 1)];
    },
  },
  concatenate: {
    shape: (shapes, { axis = 0 }) => {
      const along = axisOf(axis, shapes[0].length);
      return shapes[0].map((size, k) => (k === along ? sumOf(shapes.map((s) => s[k])) : size));
    },
    source: (index, shapes, { axis = 0 }) => {
      const along = axisOf(axis, index.length);
      let [which, place] = [0, index[along]];
      while (place >= shapes[which][along]) place -= shapes[which++][along];
      return [which, index.with(along, place)];
    },
  },
  take_label: {
    shape: ([a]) => a.slice(0, -1),
    source: (index, shapes, attributes, read) => [0, [...index, read(1, index)]],
  },
  take: {
    shape: ([a, places], { axis = 0 }) => a.toSpliced(axisOf(axis, a.length), 1, ...places),
    source: (index, [a, places], { axis = 0 }, read) => {
      const along = axisOf(axis, a.length);
      const place = read(1, index.slice(along, along + places.length));
      return [0, index.toSpliced(along, places.length, place < 0 ? place + a[along] : place)];
    },
  },
  take_along_axis: {
    shape: ([a, places]) => places,
    source: (index, [a], { axis }, read) => {
      const along = axisOf(axis, a.length);
      const place = read(1, index);
      return [0, index.with(along, place < 0 ? place + a[along] : place)];
    },
  },
};

// Words that are made of the others, as the programs' own helpers spell them out.
export const SPELLING = {
  softmax: ([x], { axis = -1 }) => {
    const e = call("exp", call("-", x, along("max", x, axis)));
    return call("/", e, along("sum", e, axis));
  },
  log_softmax: ([x], { axis = -1 }) => {
    const shifted = call("-", x, along("max", x, axis));
    return call("-", shifted, call("log", along("sum", call("exp", shifted), axis)));
  },
  one_hot: ([x], { num_classes: count }) => {
    const apart = { op: "expand_dims", of: [x], attributes: { axis: -1 } };
    return call("==", apart, { op: "arange", of: [], attributes: { count } });
  },
  clip: ([x, low, high]) => call("minimum", call("maximum", x, low), high),
  broadcast_to: ([x], { shape }) => call("stretched", x, ...[shape].flat().map(asRecipe)),
  cast: ([x], { dtype }) => {
    if (/^u?int/.test(dtype)) return call("truncated", x);
    return dtype.startsWith("bool") ? call("truth", x) : x;
  },
  divide_no_nan: ([a, b]) => {
    const isZero = call("==", b, { number: 0 });
    return call("where", isZero, { number: 0 }, call("/", a, call("where", isZero, { number: 1 }, b)));
  },
};

// The recipe of an operation on others.
export const call = (op, ...of) => ({ op, of });
const asRecipe = (size) => (typeof size === "number" ? { number: size } : size);
const along = (op, x, axis) => ({ op, of: [x], attributes: { axis, keepdims: true } });

// How many numbers a shape has.
export const sizeOf = (shape) => shape.reduce((size, length) => size * length, 1);

// Where the number at an index stands in the flat data.
export const offsetOf = (index, shape) => index.reduce((offset, place, k) => offset * shape[k] + place, 0);

// The index of the number at an offset of the flat data.
export function placeAt(offset, shape) {
  const index = shape.map(() => 0);
  for (let k = shape.length - 1; k >= 0; k -= 1) {
    index[k] = offset % shape[k];
    offset = Math.floor(offset / shape[k]);
  }
  return index;
}

// The index in an operand that is stretched to an index of the result.
export function stretchedIndex(index, shape) {
  const missing = index.length - shape.length;
  return shape.map((size, k) => (size === 1 ? 0 : index[k + missing]));
}

// An axis counted from the front.
export const axisOf = (axis, rank) => (axis < 0 ? axis + rank : axis);

// The new axes, in the count of the result.
const newAxes = (axis, rank) => {
  const axes = [axis].flat();
  return axes.map((k) => axisOf(k, rank + axes.length)).sort((a, b) => a - b);
};

const isSqueezed = (shape, axis, k) =>
  axis === undefined || axis === null ? shape[k] === 1 : [axis].flat().some((a) => axisOf(a, shape.length) === k);

function reshaped(from, shape) {
  const known = shape.reduce((size, length) => (length < 0 ? size : size * length), 1);
  return shape.map((length) => (length < 0 ? sizeOf(from) / known : length));
}

// Each entry of a key: the sizes that it leaves, and how it finds its place in the operand. An entry
// is a number, {start, stop, step} with nulls where left out, "..." or null (a new axis).
function slicesOf(shape, entries) {
  const taken = entries.filter((entry) => entry !== null && entry !== "...").length;
  const whole = shape.slice(taken).map(() => ({}));
  const dots = entries.includes("...") ? entries : [...entries, "..."];
  let axis = 0;
  return dots
    .flatMap((entry) => (entry === "..." ? whole : [entry]))
    .map((entry) => {
      if (entry === null) return { sizes: [1], place: (left) => (left.shift(), []) };
      const size = shape[axis++];
      if (typeof entry === "number") return { sizes: [], place: () => [axisOf(entry, size)] };
      const [start, stop, step] = bounds(entry, size);
      const length = Math.max(0, Math.ceil((stop - start) / step));
      return { sizes: [length], place: (left) => [shifted(left.shift(), start, step)] };
    });
}

// A place in a slice, in the operand's own count; of a letter, as text.
function shifted(place, start, step) {
  if (typeof place === "number") return start + step * place;
  const scaled = step === 1 ? place : `${step}${place}`;
  return start === 0 ? scaled : `${scaled} + ${start}`;
}

function bounds({ start, stop, step }, size) {
  step ??= 1;
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const inside = (place) => Math.min(high, Math.max(low, place < 0 ? place + size : place));
  return [
    start == null ? (step > 0 ? low : high) : inside(start),
    stop == null ? (step > 0 ? high : low) : inside(stop),
    step,
  ];
}

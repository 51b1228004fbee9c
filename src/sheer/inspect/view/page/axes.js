// What an index of a value stands for: a row of the batch, a unit, a class, a feature.

// The weight that a name is about: itself, or its gradient, new value or step; else null.
export function weightOf(name, state) {
  const weights = state.layers.flatMap((layer) => layer.weights.map((weight) => ({ ...weight, layer })));
  const own = (w) => [w.name, w.gradient, w.new].includes(name);
  const written = (w) => name.includes(w.name.replace(".", "_")) || name.startsWith(`${w.name}_`);
  return weights.find(own) ?? weights.filter(written).sort((a, b) => b.name.length - a.name.length)[0] ?? null;
}

// One word for each axis of a value: ["row", "unit"].
export function axisWords(name, shape, state, step) {
  const weight = weightOf(name, state);
  if (weight && sameShape(weight.shape, shape)) return weightAxes(shape);
  if (!shape.length) return [];
  const isOfBatch = shape[0] === step?.rows;
  const last = lastWord(name, shape.at(-1), state);
  const middle = shape.slice(1, -1).map((_, k) => `axis ${k + 1}`);
  if (!isOfBatch) return shape.map((_, k) => (k === shape.length - 1 ? last : `axis ${k}`));
  return shape.length === 1 ? ["row"] : ["row", ...middle, last];
}

const sameShape = (a, b) => a.length === b.length && a.every((size, k) => size === b[k]);

function weightAxes(shape) {
  if (shape.length === 1) return ["unit"];
  return [...shape.slice(0, -2).map((_, k) => `axis ${k}`), "input", "unit"];
}

function lastWord(name, size, state) {
  if (state.data.inputs.some((input) => input.name === name)) return "feature";
  const output = outputOf(name, state);
  return output?.kind === "classes" && size > 1 ? "class" : "unit";
}

// The output of the model that a value leads to straight: the prediction, what it is made of in the
// same layer, and their gradients.
function outputOf(name, state) {
  const of = gradientOf(name, state) ?? name;
  const isPart = (output) => {
    const layer = state.layers.find((l) => l.output === output.name);
    return output.name === of || layer?.values.includes(of);
  };
  return state.outputs.find(isPart);
}

function gradientOf(name, state) {
  const row = state.program.rows.find((r) => r.targets.includes(name));
  return row?.of[row.targets.indexOf(name)] || null;
}

// The name of a class; its number where classes have no names.
export const className = (state, label) => state.data.classes?.[label] ?? String(label);

// "row 3, unit 17"; a class with its name, if it has one of its own.
export function placeInValue(words, index, state) {
  const named = (word, place) => {
    const known = word === "class" ? state.data.classes?.[place] : undefined;
    return known !== undefined && known !== String(place) ? `${word} ${place} (${known})` : `${word} ${place}`;
  };
  return index.map((place, axis) => named(words[axis] ?? `axis ${axis}`, place)).join(", ");
}

// The axis of a value that holds the pixels of an input, and the size of the image:
// {axis, height, width, channels}; null where there is none.
export function imageAxis(name, shape, state) {
  for (const input of state.data.inputs) {
    if (!input.image) continue;
    const { height, width, channels } = input.image;
    const axis = shape.indexOf(height * width * channels);
    if (axis < 0 || shape.length !== 2) continue;
    const isInput = input.name === name && axis === 1;
    if (isInput || (axis === 0 && isFirstWeight(name, state))) return { axis, height, width, channels };
  }
  return null;
}

// Whether a value is the kernel of a layer that reads an input as it comes, or goes with one.
function isFirstWeight(name, state) {
  const weight = weightOf(name, state);
  return Boolean(weight && firstKernels(state).some((first) => first.name === weight.name));
}

// The weights whose first axis is the pixels of an input: [{name, new, gradient, shape, image}].
export function firstKernels(state) {
  return state.data.inputs.flatMap(({ name, image }) => {
    if (!image) return [];
    const size = image.height * image.width * image.channels;
    const readers = state.program.rows.filter((row) => row.phase === "forward" && readsInput(row, name, state));
    const fits = (weight) => weight.shape.length === 2 && weight.shape[0] === size;
    const layers = readers.map((row) => state.layers.find((layer) => layer.name === row.part));
    return layers.flatMap((layer) => (layer?.weights ?? []).filter(fits).map((weight) => ({ ...weight, image })));
  });
}

// Whether a row reads an input, straight or through lines that only give it another shape.
function readsInput(row, input, state) {
  const words = row.source.match(/[A-Za-z_]\w*/g) ?? [];
  const reshaped = state.program.rows.filter((r) => /reshape|flatten|cast/.test(r.op)).flatMap((r) => r.targets);
  return words.includes(input) || words.some((word) => reshaped.includes(word));
}

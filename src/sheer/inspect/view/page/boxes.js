// The boxes of the flow strip, worked out from the State: pure functions.

// A column for the data, one for each layer, one for the predictions, one for the loss; a lane
// forward, one backward, one for the update. A box is
//   {lane, column, title, note, from, hasArrow, values, rows}
// values: the names whose histograms it shows; rows: the indices of its rows, lit while one of them
// is current; from: what a layer reads, where that is not the column before it; hasArrow: whether it
// is reached from the box before it in its lane.
export function boxesOf(state) {
  const { layers, outputs, program } = state;
  const facts = { rows: program.rows, state };
  const last = layers.length + 2;
  const forward = [
    dataBox(state),
    ...layers.map((layer, i) => layerBox(layer, i, facts)),
    predictionsBox(outputs, last - 1, facts),
    lossBox(state, last, facts),
  ];
  for (const box of forward) box.hasArrow = box.column > 0 && !box.from?.length;
  const backward = [...outputs.map((output) => errorBox(output, last - 1, facts)), ...layers.map((layer, i) => gradientBox(layer, i + 1, facts)).reverse()];
  const update = layers.map((layer, i) => updateBox(layer, i + 1, facts));
  const back = merged(backward.filter(Boolean));
  for (const box of back) box.hasArrow = forward[box.column + 1].hasArrow;
  return { forward, backward: back, update: update.filter(Boolean), columns: last + 1 };
}

// The indices of the rows of a phase that this is true of.
function rowsWhere(rows, phase, isTrue) {
  return rows.flatMap((row, i) => (row.phase === phase && isTrue(row) ? [i] : []));
}

function dataBox({ data }) {
  const names = data.inputs.map((input) => input.name);
  return { lane: "forward", column: 0, title: "data", note: names.join(", "), values: names, rows: [], term: "data" };
}

function layerBox(layer, i, { rows, state }) {
  const mine = rowsWhere(rows, "forward", (row) => row.part === layer.name);
  const from = sourcesOf(layer, mine, rows, state);
  const before = i ? [state.layers[i - 1].name] : state.data.inputs.map((input) => input.name);
  const isNext = from.length === before.length && from.every((name) => before.includes(name));
  return {
    lane: "forward",
    column: i + 1,
    title: layer.name,
    note: layer.kind,
    from: isNext ? [] : from,
    values: [layer.output],
    rows: mine,
  };
}

// The layers and inputs whose values a layer's lines read.
function sourcesOf(layer, mine, rows, { layers, data }) {
  const homes = new Map(data.inputs.map(({ name }) => [name, name]));
  for (const other of layers) for (const value of other.values) homes.set(value, other.name);
  const read = mine.flatMap((i) => namesReadIn(rows[i].source.slice(rows[i].source.indexOf("=") + 1)));
  const found = read.map((name) => homes.get(name)).filter((home) => home && home !== layer.name);
  return [...new Set(found)];
}

// The first names of what a line reads; len(x) reads no more of x than how many rows there are.
function namesReadIn(source) {
  return source.replace(/\blen\(\w+\)/g, "").match(/(?<![\w.])[A-Za-z_]\w*/g) ?? [];
}

function predictionsBox(outputs, column, { rows }) {
  const values = outputs.map((output) => output.name);
  const mine = rowsWhere(rows, "forward", (row) => row.targets.some((name) => values.includes(name)));
  return { lane: "forward", column, title: "predictions", note: values.join(", "), values, rows: mine, term: "predictions" };
}

function lossBox({ data, loss }, column, { rows }) {
  const mine = rowsWhere(rows, "loss", () => true);
  const name = rows.flatMap((row) => (row.phase === "loss" ? row.targets : [])).at(-1);
  const against = data.targets.map((target) => target.name).join(", ");
  return { lane: "forward", column, title: "loss", note: against ? `against ${against}` : loss, values: name ? [name] : [], rows: mine, term: "loss", isLoss: true };
}

// Under the predictions: the gradient that the loss hands to the layer that made them.
function errorBox(output, column, { rows, state }) {
  const layer = state.layers.find(({ values }) => values.includes(output.name));
  const inside = layer?.values ?? [output.name];
  const [row] = rowsWhere(rows, "backward", (r) => r.of.some((of) => inside.includes(of)));
  if (row === undefined) return null;
  return { lane: "backward", column, title: "gradient", values: [rows[row].targets[0]], rows: [row] };
}

function gradientBox(layer, column, { rows }) {
  const mine = rowsWhere(rows, "backward", (row) => row.part === layer.name);
  const weight = layer.weights.find(({ gradient }) => gradient);
  const name = weight?.gradient ?? layer.gradient;
  if (!name) return null;
  return { lane: "backward", column, title: "gradient", values: [name], rows: mine };
}

function updateBox(layer, column, { rows }) {
  const weight = layer.weights.find((w) => w.new);
  if (!weight) return null;
  const mine = rowsWhere(rows, "update", (row) => row.part === layer.name);
  return { lane: "update", column, title: "weights", values: [weight.new], rows: mine };
}

// Boxes of one place become one that shows the values of all.
function merged(boxes) {
  const places = new Map();
  for (const box of boxes) {
    const there = places.get(box.column);
    if (there) Object.assign(there, { values: [...there.values, ...box.values], rows: [...there.rows, ...box.rows] });
    else places.set(box.column, box);
  }
  return [...places.values()];
}

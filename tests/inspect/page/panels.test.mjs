// What the panels compute before they draw. PAGE is the folder of the page's modules.
import assert from "node:assert/strict";
import { test } from "node:test";

const page = process.env.PAGE;
const { axisWords, firstKernels, imageAxis, placeInValue, weightOf } = await import(`${page}/axes.js`);
const { boundsOf, centredImage, shrunk } = await import(`${page}/digit.js`);
const { judgedRows } = await import(`${page}/judged.js`);
const { verdictOf } = await import(`${page}/layers.js`);
const { matrixOf, strongestIn } = await import(`${page}/matrix.js`);
const { paintNumber, rangeOf } = await import(`${page}/palette.js`);
const { predicted, predictStep, whyNoPrediction } = await import(`${page}/predict.js`);

const total = (numbers) => numbers.reduce((sum, value) => sum + value, 0);

// --- the digit, as MNIST's were made ---------------------------------------------------------

const PAD = 100;

function drawn(inside) {
  const pixels = new Float64Array(PAD * PAD);
  for (let k = 0; k < pixels.length; k += 1) pixels[k] = Number(inside(Math.floor(k / PAD), k % PAD));
  return pixels;
}

function massCentreOf(image, width) {
  const mass = total(image);
  return [
    total(image.map((value, k) => value * Math.floor(k / width))) / mass,
    total(image.map((value, k) => value * (k % width))) / mass,
  ];
}

test("a drawing is put into a box of 20 by 20", () => {
  const image = centredImage(
    drawn((row, column) => row >= 10 && row < 70 && column >= 5 && column < 35),
    PAD,
    { height: 28, width: 28 },
  );
  const box = boundsOf(image, 28);
  assert.deepEqual([box.height, box.width], [20, 10]);
});

test("and its centre of mass at the middle, wherever it was drawn", () => {
  const wedge = (top, left) =>
    drawn((row, column) => row >= top && row < top + 40 && column >= left && column - left < (row - top) / 2);
  for (const [top, left] of [
    [0, 0],
    [50, 60],
    [20, 10],
  ]) {
    const [down, across] = massCentreOf(centredImage(wedge(top, left), PAD, { height: 28, width: 28 }), 28);
    assert.ok(Math.abs(down - 14) <= 0.51 && Math.abs(across - 14) <= 0.51, `${down}, ${across}`);
  }
});

test("edges are soft: a pixel holds the share of it that is drawn", () => {
  const small = shrunk(
    drawn((row, column) => column < 25),
    PAD,
    { top: 0, left: 0, height: PAD, width: PAD },
    { height: 2, width: 2 },
  );
  assert.deepEqual([...small], [0.5, 0, 0.5, 0]);
  const uneven = shrunk(Float64Array.of(1, 0, 0), 3, { top: 0, left: 0, height: 1, width: 3 }, { height: 1, width: 2 });
  assert.ok(Math.abs(uneven[0] - 2 / 3) < 1e-12 && uneven[1] === 0);
});

test("nothing drawn is nothing, and small images are filled to the edge", () => {
  assert.equal(total(centredImage(new Float64Array(PAD * PAD), PAD, { height: 28, width: 28 })), 0);
  const box = boundsOf(
    centredImage(
      drawn((row, column) => row > 20 && row < 80 && column > 40 && column < 60),
      PAD,
      { height: 8, width: 8 },
    ),
    8,
  );
  assert.equal(box.height, 8);
});

// --- what indices mean -----------------------------------------------------------------------

const kernel = {
  name: "dense.kernel",
  gradient: "d_dense_kernel",
  new: "new_dense_kernel",
  shape: [4, 3],
  trainable: true,
};
const state = {
  data: {
    inputs: [{ name: "x", shape: [4], image: { height: 2, width: 2, channels: 1 } }],
    classes: ["cat", "dog", "eel"],
  },
  outputs: [{ name: "y_pred", target: "y", losses: "losses", kind: "classes" }],
  layers: [{ name: "dense", values: ["z1", "y_pred"], output: "y_pred", weights: [kernel] }],
  program: {
    rows: [
      { source: "z1 = x @ dense.kernel", targets: ["z1"], of: [""], phase: "forward", part: "dense", op: "matmul" },
      { source: "d_z1 = ...", targets: ["d_z1"], of: ["z1"], phase: "backward", part: "dense", op: "divide" },
    ],
  },
};
const step = { rows: 5, tensors: [], statistics: {} };

test("an index is a row, a class, an input, a unit", () => {
  assert.deepEqual(axisWords("x", [5, 4], state, step), ["row", "feature"]);
  assert.deepEqual(axisWords("z1", [5, 3], state, step), ["row", "class"]);
  assert.deepEqual(axisWords("d_z1", [5, 3], state, step), ["row", "class"]);
  assert.deepEqual(axisWords("losses", [5], state, step), ["row"]);
  for (const name of ["dense.kernel", "d_dense_kernel", "new_dense_kernel", "rmsprop.dense_kernel_velocity"])
    assert.deepEqual(axisWords(name, [4, 3], state, step), ["input", "unit"]);
  assert.equal(placeInValue(["row", "class"], [3, 2], state), "row 3, class 2 (eel)");
  assert.equal(weightOf("z1", state), null);
});

test("pixels are found in an input's row and in a first kernel's unit", () => {
  const image = { height: 2, width: 2, channels: 1 };
  assert.deepEqual(imageAxis("x", [5, 4], state), { axis: 1, ...image });
  assert.deepEqual(imageAxis("d_dense_kernel", [4, 3], state), { axis: 0, ...image });
  assert.equal(imageAxis("z1", [5, 4], state), null);
  assert.deepEqual(
    firstKernels(state).map(({ name }) => name),
    ["dense.kernel"],
  );
});

// --- values as heat maps ---------------------------------------------------------------------

const cube = { shape: [2, 3, 4], data: Float64Array.from({ length: 24 }, (_, k) => k) };

test("a value is shown as a matrix, a slice, or an image, and each cell knows its index", () => {
  const slice = matrixOf(cube, [1, 0, 0]);
  assert.deepEqual([slice.rows, slice.columns, slice.at(2, 3)], [3, 4, 23]);
  assert.deepEqual(slice.indexOf(2, 3), [1, 2, 3]);
  const strip = matrixOf({ shape: [3], data: [7, 8, 9] }, [1]);
  assert.deepEqual([strip.rows, strip.columns, strip.at(0, 2)], [1, 3, 9]);
  const image = matrixOf(
    { shape: [2, 8], data: Float64Array.from({ length: 16 }, (_, k) => k) },
    [1, 0],
    { axis: 1, height: 2, width: 2, channels: 2 },
    1,
  );
  assert.deepEqual([image.at(1, 0), image.indexOf(1, 0), image.placeOf([1, 5])], [13, [1, 5], [1, 0]]);
});

test("the strongest number of a row is found, and what is no number before all", () => {
  const value = { shape: [2, 3], data: [1, 9, 2, 3, -8, 4] };
  assert.deepEqual(strongestIn(value, 1), [1, 1]);
  assert.deepEqual(strongestIn({ shape: [2, 3], data: [1, 9, 2, 3, -8, NaN] }, 1), [1, 2]);
  assert.deepEqual(strongestIn({ shape: [], data: [1] }, 0), []);
});

test("colours end where nearly all numbers do, and count what is no number", () => {
  const data = Float64Array.from({ length: 1000 }, (_, k) => (k % 2 ? 1 : -1));
  data[0] = 500;
  data[1] = NaN;
  data[2] = -Infinity;
  const range = rangeOf(data);
  assert.deepEqual(
    [range.low, range.high, range.limit, range.isSigned, range.isCut, range.nans, range.infinities],
    [-1, 500, 1, true, true, 1, 1],
  );
  assert.equal(rangeOf(Float64Array.of(0, 0)).limit, 1);
});

test("each number has its colour: none at 0, one for each sign, its own where it is none", () => {
  const colours = {
    none: [0, 0, 0],
    positive: [100, 0, 0],
    negative: [0, 100, 0],
    nan: [9, 9, 9],
    infinite: [8, 8, 8],
  };
  const found = (value) => {
    const image = { data: [0, 0, 0, 0] };
    paintNumber(image, 0, value, 2, colours);
    return image.data.slice(0, 3);
  };
  assert.deepEqual([0, 1, -2, 50, NaN, Infinity].map(found), [
    [0, 0, 0],
    [50, 0, 0],
    [0, 100, 0],
    [100, 0, 0],
    [9, 9, 9],
    [8, 8, 8],
  ]);
});

test("the gauge of updates says what it shows", () => {
  assert.match(verdictOf(0.001), /usual/);
  assert.match(verdictOf(1e-6), /Small/);
  assert.match(verdictOf(0.5), /Large/);
  assert.match(verdictOf(0), /not move/);
  assert.match(verdictOf(NaN), /Not finite/);
});

// --- samples ---------------------------------------------------------------------------------

const judgedWith = (output, tensors) => {
  const kept = { rows: 3, tensors: Object.keys(tensors), statistics: {} };
  return judgedRows({ state: { data: { inputs: [] } }, tensor: async (name) => tensors[name] }, output, kept);
};

test("classes are judged, the most wrong first", async () => {
  const prediction = { shape: [3, 2], data: [0.9, 0.1, 0.2, 0.8, 0.6, 0.4] };
  const tensors = {
    y_pred: prediction,
    y: { shape: [3], data: [0, 0, 1] },
    losses: { shape: [3], data: [0.1, 1.6, 0.9] },
  };
  const { rows, classes } = await judgedWith(state.outputs[0], tensors);
  assert.equal(classes, 2);
  assert.deepEqual(
    rows.map(({ row, label, predicted: guess, isRight }) => [row, label, guess, isRight]),
    [
      [1, 0, 1, false],
      [2, 1, 0, false],
      [0, 0, 0, true],
    ],
  );
  assert.equal(rows[0].probability, 0.8);
  const oneHot = await judgedWith(state.outputs[0], { ...tensors, y: { shape: [3, 2], data: [1, 0, 1, 0, 0, 1] } });
  assert.deepEqual(
    oneHot.rows.map(({ label }) => label),
    [0, 1, 0],
  );
});

test("so are scores, yes or no, and numbers; a NaN is the most wrong", async () => {
  const scores = await judgedWith(state.outputs[0], {
    y_pred: { shape: [1, 2], data: [-3, 5] },
    y: { shape: [1], data: [1] },
  });
  assert.deepEqual([scores.rows[0].probability, scores.rows[0].loss, scores.rows[0].isRight], [null, null, true]);
  const yes = await judgedWith(
    { ...state.outputs[0], kind: "binary" },
    { y_pred: { shape: [2, 1], data: [0.25, 0.75] }, y: { shape: [2, 1], data: [1, 1] } },
  );
  assert.deepEqual(
    yes.rows.map(({ row, probability, isRight }) => [row, probability, isRight]),
    [
      [0, 0.75, false],
      [1, 0.75, true],
    ],
  );
  const numbers = await judgedWith(
    { ...state.outputs[0], kind: "numbers" },
    {
      y_pred: { shape: [2, 1], data: [1, NaN] },
      y: { shape: [2], data: [3, 4] },
      losses: { shape: [2], data: [4, NaN] },
    },
  );
  assert.deepEqual(
    numbers.rows.map(({ row }) => row),
    [1, 0],
  );
  await assert.rejects(
    judgedWith(state.outputs[0], { y: { shape: [1], data: [1] } }),
    /predictions of y_pred were not kept/,
  );
});

// --- predictions without a server ------------------------------------------------------------

const affine = { op: "+", of: [{ op: "@", of: [{ name: "x" }, { name: "dense.kernel" }] }, { number: 1 }] };
const exported = (recipe, steps) => ({
  live: false,
  state: {
    data: { inputs: [{ name: "x", shape: [2] }] },
    predict_program: {
      input: "x",
      outputs: ["y_pred"],
      rows: [{ targets: ["y_pred"], phase: "forward", source: "y_pred = ...", recipes: { y_pred: recipe } }],
    },
    steps,
  },
  view: { step: steps.at(-1) },
  source: { tensor: async (id, name) => ({ shape: [2, 1], data: [id, name.length] }) },
  tensor: async () => ({ shape: [2, 1], data: [2, 3] }),
});

test("an exported page predicts by the recipes of the program", async () => {
  const app = exported(affine, [{ id: 1, tensors: ["dense.kernel"] }]);
  assert.equal(whyNoPrediction(app), "");
  const { outputs, values } = await predicted(app, { x: [10, 100] });
  assert.deepEqual(outputs.y_pred, [321]);
  assert.deepEqual([...values.y_pred.shape], [1, 1]);
  await assert.rejects(predicted(app, { x: [10] }), /do not fit/);
});

test("with the latest weights there are, and says what it cannot", () => {
  const steps = [
    { id: 1, tensors: ["dense.kernel"] },
    { id: 2, tensors: [] },
  ];
  assert.equal(predictStep(exported(affine, steps)).id, 1);
  assert.match(whyNoPrediction(exported(affine, [{ id: 2, tensors: [] }])), /weights were not kept/);
  assert.match(whyNoPrediction(exported({ op: "fractions", of: [] }, steps)), /cannot compute by itself: y_pred/);
});

// The pure functions of the page, on the State of a real training. PAGE is the folder of its modules.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const load = (name) => import(`${process.env.PAGE}/${name}`);

const { boxesOf } = await load("boxes.js");
const { barsPath } = await load("histogram.js");
const { curvesInWords, plotsOf } = await load("curvedata.js");
const { formatNumber, formatShape, formatShare, realNumber } = await load("format.js");
const { listingOf } = await load("listing.js");
const { nextPhaseRow, phasesOf, rowAfter, rowOf, stepAfter } = await load("moves.js");
const { placeInWords } = await load("status.js");
const { piecesOf } = await load("syntax.js");
const { viewAfter } = await load("store.js");

const state = JSON.parse(readFileSync(process.env.STATE, "utf8"));
const { rows, text } = state.program;

test("the listing has each row once, without the comments that give shapes", () => {
  const { before, items, after } = listingOf(state.program);
  assert.equal(before, "import numpy as np");
  assert.match(after, /^def softmax/);
  const listed = items.filter(({ kind }) => kind === "row");
  assert.deepEqual(listed.map(({ row }) => row), rows.map((_, i) => i));
  for (const { row, code } of listed) {
    assert.equal(code.replace(/\s+/g, ""), rows[row].source.replace(/\s+/g, ""));
  }
  const headings = items.filter(({ kind }) => kind === "heading").map(({ phase }) => phase);
  assert.deepEqual(headings, ["forward", "loss", "backward", "update", "metrics", "result"]);
});

test("the colours lose no character", () => {
  for (const line of text.split("\n")) assert.equal(piecesOf(line).map((piece) => piece.text).join(""), line);
  assert.deepEqual(piecesOf("z1 = x @ dense.kernel + 2").map(({ kind }) => kind), ["name", "", "name", "", "name", "", "number"]);
});

test("lines and phases lead on to the end", () => {
  assert.equal(rowAfter(rows, 0, -1), null);
  assert.equal(rowAfter(rows, rows.length - 1, 1), null);
  const found = [];
  for (let row = 0; row !== null; row = nextPhaseRow(rows, row)) found.push(rows[row].phase);
  assert.deepEqual(found, phasesOf(rows).map(({ phase }) => phase));
  assert.equal(rows[rowOf(rows, "loss")].phase, "loss");
  assert.equal(rowOf(rows, "nothing"), null);
});

test("steps follow one another", () => {
  const { steps } = state;
  assert.equal(stepAfter(steps, steps[0], 1), steps[1]);
  assert.equal(stepAfter(steps, steps[0], -1), null);
  assert.equal(stepAfter(steps, steps.at(-1), 1), null);
});

test("a row brings its value into the lens, and a value its row", () => {
  const start = { step: state.steps[0], row: 0, target: null, index: [], theme: "" };
  const row = rowOf(rows, "loss");
  assert.equal(viewAfter(state, start, { row }).target, "loss");
  const moved = viewAfter(state, start, { target: "loss", cell: [] });
  assert.equal(moved.row, row);
  const input = viewAfter(state, moved, { target: state.layers[0].weights[0].name, cell: [0, 1] });
  assert.deepEqual([input.row, input.index], [row, [0, 1]]);
  assert.deepEqual(viewAfter(state, input, { row: 0 }).index, []);
});

test("the boxes follow what the lines read", () => {
  const { forward, backward, update, columns } = boxesOf(state);
  assert.deepEqual(forward.map(({ title }) => title), ["data", "left", "right", "join", "score", "kind", "predictions", "loss"]);
  assert.equal(columns, 8);
  const from = Object.fromEntries(forward.map(({ title, from: read }) => [title, read ?? []]));
  assert.deepEqual([from.left, from.right, from.join, from.score, from.kind], [["a"], ["b"], ["left", "right"], [], ["join"]]);
  const lit = forward.flatMap((box) => box.rows.map((row) => rows[row].phase));
  assert.deepEqual([...new Set(lit)], ["forward", "loss"]);
  for (const box of backward) for (const row of box.rows) assert.equal(rows[row].phase, "backward");
  assert.deepEqual(update.map(({ column }) => column), [1, 2, 4, 5]);
  for (const { values } of [...forward, ...backward, ...update]) {
    for (const name of values) assert.ok(name in state.steps[0].statistics, name);
  }
});

test("a running mean breaks between epochs, and nowhere else", () => {
  const curves = { step: [1, 2, 3, 4], epoch: [0.5, 1, 1.25, 1.5], series: { loss: [4, 3, null, 1] } };
  const [plot] = plotsOf({ curves, epochs: { epoch: [], series: {} }, steps: [], status: { batches: 2 } });
  assert.deepEqual(plot.series.map(({ label, points }) => [label, points]), [["loss", [[0.5, 1, 1.25, 1.5], [4, 3, null, 1]]]]);
});

test("the curves can be heard", () => {
  const words = curvesInWords(state);
  const [first] = state.curves.series.loss.filter((value) => value !== null);
  assert.ok(words.includes(`loss fell from ${formatNumber(first)} to`), words);
  assert.equal(curvesInWords({ curves: { series: {} }, epochs: { series: {} } }), "No batch has run yet.");
});

test("numbers are short and true", () => {
  const cases = [[0, "0"], [-2.1049, "−2.1"], [0.0310049, "0.031"], [1.2e-5, "1.2e−5"], [12345, "12,345"], [4608.27, "4,608"], ["nan", "NaN"], ["-inf", "−∞"]];
  for (const [number, short] of cases) assert.equal(formatNumber(number), short);
  assert.deepEqual([0, 0.001, 0.5, 0.999, 1].map(formatShare), ["0%", "<1%", "50%", ">99%", "100%"]);
  assert.equal(formatShape([60000, 784]), "60,000 × 784");
  assert.equal(realNumber("inf"), Infinity);
});

test("people count epochs from 1", () => {
  const status = { state: "running", epoch: 2, epochs: 5, batch: 12, batches: 469 };
  assert.equal(placeInWords(status), "epoch 3 of 5, 12 of 469 batches");
  assert.equal(placeInWords({ ...status, state: "done", epoch: 5 }), "epoch 5 of 5");
});

test("a bar of few is still seen", () => {
  const bars = barsPath([0, 1, 10000], 30, 20).split("z").filter(Boolean);
  assert.equal(bars.length, 2);
  assert.match(bars[0], /^M10\.00 20v-1h/);
});

// The tensor lens: a value as a heat map, one number of it, and the sum that made it.

import { fill, h, write } from "./dom.js";
import { explain } from "./meanings.js";
import { formatNumber, formatShape } from "./format.js";
import { axisWords, imageAxis, placeInValue } from "./axes.js";
import { breakdown } from "./breakdown.js";
import { nearbyTable } from "./nearby.js";
import { formulaOf, placed } from "./formula.js";
import { heatLegend } from "./legend.js";
import { heatmap } from "./heatmap.js";
import { indexSliders } from "./sliders.js";
import { matrixOf, strongestIn } from "./matrix.js";
import { offsetOf } from "./operations.js";
import { inSight } from "./sight.js";
import { rangeOf } from "./palette.js";
import { cell, gapsIn, recipeNames } from "./recipe.js";
import { valueSelect } from "./values.js";

export function lensPanel(app) {
  const map = heatmap({ move: chooseCell, enter: () => answer.el.focus() });
  const legend = heatLegend();
  const select = valueSelect(app, (name) => go(name));
  const sliders = indexSliders((index) => app.show({ cell: index }));
  const options = lensOptions(() => draw());
  const answer = cellAnswer(app, { go, back });
  const note = h("p", { class: "panel-note" });
  const axes = h("p", { class: "heat-axes" });
  const table = nearbyTable();
  const body = h(
    "div",
    { class: "lens-body" },
    h("div", { class: "lens-map" }, axes, map.el, legend.el, sliders.el, table.el),
    answer.el,
  );
  const el = h(
    "section",
    {},
    h("h2", {}, "Tensor lens", explain("cell")),
    h("div", { class: "tools" }, select.el, options.el),
    note,
    body,
  );
  const trail = [];
  let shown = { key: "", tensor: null, index: [], row: 0 };
  let turn = 0;
  const request = inSight(el, load);

  function update(view) {
    select.update(view);
    const name = view.target;
    const key = `${view.step?.id} ${name} ${view.index} ${view.theme}`;
    if (key === shown.key) return;
    shown.key = key;
    const statistics = view.step?.statistics[name];
    body.hidden = !statistics;
    write(note, noteOf(view, name, statistics));
    if (statistics) request();
  }

  async function load() {
    const mine = (turn += 1);
    const { view } = app;
    const name = view.target;
    try {
      const tensor = await app.tensor(name);
      if (mine === turn) show(name, tensor, view);
    } catch (error) {
      if (mine !== turn) return;
      body.hidden = true;
      write(note, error.message);
    }
  }

  function show(name, tensor, view) {
    const words = axisWords(name, tensor.shape, app.state, view.step);
    const index = indexIn(name, tensor, view, words, shown.row);
    if (words[0] === "row") shown.row = index[0];
    const image = imageAxis(name, tensor.shape, app.state);
    shown = {
      ...shown,
      name,
      tensor,
      words,
      index,
      image,
      range: shown.tensor === tensor ? shown.range : rangeOf(tensor.data),
    };
    options.update(shown);
    sliders.update(tensor.shape, words, index);
    draw();
    answer.update(shown, trail.length);
  }

  function draw() {
    const { name, tensor, index, range, words } = shown;
    map.el.hidden = legend.el.hidden = axes.hidden = table.el.hidden = !tensor.shape.length;
    if (!tensor.shape.length) return;
    const matrix = matrixOf(tensor, index, options.isImage() ? shown.image : null, options.channel(shown));
    shown.matrix = matrix;
    const label = `Heat map of ${name}, ${formatShape(tensor.shape)}. Arrows move the cell, Enter goes to its sum. ${placeInValue(words, index, app.state)}`;
    const key = `${app.view.step.id} ${name} ${matrix.key}`;
    const pane = map.draw({
      ...matrix,
      key,
      chosen: matrix.placeOf(index),
      zoom: options.zoom(),
      limit: range.limit,
      label,
    });
    if (pane) fill(axes, axesInSight(matrix, pane, words));
    legend.draw(range);
    table.update(matrix, matrix.placeOf(index), words);
  }

  function chooseCell(row, column) {
    const index = shown.matrix.indexOf(row, column);
    const value = shown.tensor.data[offsetOf(index, shown.tensor.shape)];
    app.say(`${shown.name}, ${placeInValue(shown.words, index, app.state)}: ${formatNumber(value, 4)}`);
    app.show({ cell: index });
  }

  // Another value, or another number of it; the way back is kept.
  function go(name, index) {
    if (shown.name) trail.push({ target: shown.name, cell: shown.index });
    if (trail.length > 50) trail.shift();
    app.show(index ? { target: name, cell: index } : { target: name });
    if (index) app.say(placed(name, index));
  }

  function back() {
    const last = trail.pop();
    if (last) app.show(last);
  }

  return { el, title: "Tensor lens", update };
}

function noteOf(view, name, statistics) {
  if (!view.step) return "No step is recorded yet: run a batch, and its numbers are here.";
  if (!name) return "Choose a line of the program, and its value is here.";
  return statistics ? "" : `${name} is no array of numbers.`;
}

// "row ↓ 0–127", "unit → 0–511": what the axes mean, and which part of them is in sight.
function axesInSight(matrix, { top, left, rows, columns }, words) {
  const text = (word, arrow, first, count) => h("span", {}, `${word} ${arrow} ${first}–${first + count - 1}`);
  if (matrix.square) return [text("pixel row", "↓", top, rows), text("pixel column", "→", left, columns)];
  const [down, across] = words.length > 1 ? words.slice(-2) : ["", words[0]];
  return [words.length > 1 ? text(down, "↓", top, rows) : null, text(across, "→", left, columns)];
}

// The cell that the view names; else the first that is not finite, or the strongest of the row that
// was looked at last.
function indexIn(name, tensor, view, words, row) {
  const isThere = (index) =>
    index.length === tensor.shape.length && index.every((place, axis) => place < tensor.shape[axis]);
  if (isThere(view.index)) return view.index;
  const wrong = view.step.not_finite;
  if (wrong?.name === name && isThere(wrong.index)) return wrong.index;
  if (tensor.shape.length === 1 && words[0] === "row") return [Math.min(row, tensor.shape[0] - 1)];
  return strongestIn(tensor, words[0] === "row" ? row : 0);
}

// How the heat map is drawn: its zoom, and whether a row of pixels is an image.
function lensOptions(changed) {
  const zoom = h("input", { type: "range", min: 0, max: 6, step: 0.5, value: 0, on: { input: changed } });
  const image = h("input", { type: "checkbox", checked: true, on: { change: changed } });
  const asImage = h("label", { class: "option" }, image, "as an image");
  const channels = h("select", { "aria-label": "Channel", on: { change: changed } });
  const el = h("div", { class: "lens-options" }, asImage, channels, h("label", { class: "zoom" }, "Zoom", zoom));
  return {
    el,
    update(shown) {
      asImage.hidden = !shown.image;
      const count = shown.image?.channels ?? 1;
      channels.hidden = count < 2;
      if (channels.length !== count)
        fill(
          channels,
          Array.from({ length: count }, (_, k) => h("option", { value: k }, `channel ${k}`)),
        );
      zoom.parentNode.hidden = !shown.tensor.shape.length;
    },
    zoom: () => 2 ** Number(zoom.value),
    isImage: () => image.checked,
    channel: () => Number(channels.value) || 0,
  };
}

// The chosen number, its formula, its parts, and the recorded value beside the sum.
function cellAnswer(app, { go, back }) {
  const backButton = h("button", { type: "button", class: "ghost", on: { click: back } }, "← Back");
  const headline = h("h3", { class: "cell-value" });
  const place = h("p", { class: "cell-place" });
  const formula = h("p", { class: "formula" });
  const parts = h("div", {});
  const check = h("p", { class: "check-line" });
  const el = h(
    "div",
    { class: "answer", tabindex: -1 },
    h("div", { class: "answer-head" }, headline, backButton),
    place,
    formula,
    parts,
    check,
  );
  let turn = 0;

  async function update(shown, wayBack) {
    const mine = (turn += 1);
    const { name, tensor, index, words } = shown;
    const recorded = tensor.data[offsetOf(index, tensor.shape)];
    backButton.hidden = !wayBack;
    fill(headline, placed(name, index), " = ", h("span", { class: "num" }, formatNumber(recorded, 5)));
    write(place, placeInValue(words, index, app.state));
    place.hidden = !index.length;
    const recipe = recipeOf(app.state, name);
    const said = whyNoSum(app, name, recipe);
    if (said) return fillAnswer([said], [], []);
    try {
      const get = await readerFor(app, recipe);
      if (mine !== turn) return;
      const part = cell(recipe, index, get);
      const text = `${placed(name, index)} = ${formulaOf(recipe, index, get)}`;
      fillAnswer([h("code", {}, text)], [breakdown(part, get, go)], checkLine(part.value, recorded, tensor.dtype));
    } catch (error) {
      if (mine === turn) fillAnswer([error.message], [], []);
    }
  }

  function fillAnswer(formulaChildren, partsChildren, checkChildren) {
    fill(formula, formulaChildren);
    fill(parts, partsChildren);
    fill(check, checkChildren);
    check.hidden = !checkChildren.length;
  }

  return { el, update };
}

// The last line that computes a value says how.
function recipeOf(state, name) {
  return state.program.rows.findLast((row) => row.targets.includes(name))?.recipes?.[name];
}

// Why there is no sum to see; empty where there is one.
function whyNoSum(app, name, recipe) {
  const isComputed = app.state.program.rows.some((row) => row.targets.includes(name));
  if (!isComputed) return "This went into the step: no line of the program computes it.";
  if (!recipe) return "The page cannot take this line apart; the recorded value is shown.";
  const gaps = gapsIn(recipe);
  if (gaps.some((gap) => gap.startsWith("random_"))) return "Numbers drawn at random: they follow from the seed alone.";
  if (gaps.length) return `The page cannot compute ${gaps.join(", ")} by itself; the recorded value is shown.`;
  const missing = recipeNames(recipe).filter((part) => !app.view.step.tensors.includes(part));
  return missing.length ? `The numbers of ${missing.join(", ")} were not kept for this step.` : "";
}

async function readerFor(app, recipe) {
  const names = recipeNames(recipe);
  const tensors = await Promise.all(names.map((name) => app.tensor(name)));
  const byName = new Map(names.map((name, k) => [name, tensors[k]]));
  return (name) => byName.get(name);
}

function checkLine(value, recorded, dtype) {
  const difference = Math.abs(value - recorded);
  const line = [
    "Added up here in float64: ",
    h("span", { class: "num" }, formatNumber(value, 8)),
    `; recorded in ${dtype}: `,
    h("span", { class: "num" }, formatNumber(recorded, 8)),
  ];
  return Number.isFinite(difference) ? [...line, `; they differ by ${formatNumber(difference, 2)}.`] : [...line, "."];
}

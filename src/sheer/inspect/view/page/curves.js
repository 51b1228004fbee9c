// Curves of the loss, the metrics and the learning rate. The drawing is uPlot's.

import { colourOf, h, fill, write } from "./dom.js";
import { curvesInWords, epochsAt, plotsOf } from "./curvedata.js";
import { formatNumber, realNumber } from "./format.js";
import { explain } from "./meanings.js";

// How near a recorded step's mark a click must be, in pixels.
const NEAR = 14;

const TERMS = { running: "running_mean", batch: "batch_loss", end: "epoch_end", validation: "validation", rate: "learning_rate" };
const KIND_WORDS = { running: "running mean", batch: "one batch, recorded", end: "end of epoch", validation: "validation" };

export function curvesPanel(app) {
  const title = "Curves";
  const words = h("p", { class: "caption" });
  const key = h("ul", { class: "key" });
  const plots = h("div", { class: "plots" });
  const table = h("div", { class: "scroll-x" });
  const el = h(
    "section",
    { class: "curves" },
    h("h2", {}, title),
    words,
    key,
    plots,
    h("p", { class: "caption" }, "Click near a mark to look at that recorded step; ", h("kbd", {}, "["), " and ", h("kbd", {}, "]"), " move between them."),
    h("details", { class: "around" }, h("summary", {}, "End of each epoch, as a table"), table),
  );
  let drawn = [];
  let shown = {};

  const room = new ResizeObserver(() => drawn.forEach(({ plot, place, height }) => plot.setSize({ width: place.clientWidth, height })));
  room.observe(plots);

  function rebuild(described) {
    drawn.forEach(({ plot }) => plot.destroy());
    const places = described.map((plot) => plotPlace(plot));
    fill(plots, places.map(({ figure }) => figure));
    drawn = described.map((plot, i) => ({ ...places[i], height: plot.height, plot: drawPlot(app, plot, places[i].place) }));
    fillKey(key, described);
  }

  function update({ step, theme }) {
    const { curves, epochs, steps } = app.state;
    const isNew = curves !== shown.curves || epochs !== shown.epochs || steps !== shown.steps;
    if (isNew || theme !== shown.theme) {
      const described = plotsOf(app.state);
      const form = `${theme} ${described.map(({ series }) => series.map(({ label }) => label))}`;
      if (form === shown.form) drawn.forEach(({ plot }, i) => plot.setData(dataOf(described[i])));
      else rebuild(described);
      write(words, curvesInWords(app.state));
      fill(table, epochTable(epochs));
      shown = { curves, epochs, steps, theme, form };
    }
    if (step !== shown.step) drawn.forEach(({ plot }) => plot.redraw(false));
    shown.step = step;
  }

  return { el, title, update };
}

function plotPlace({ title, term }) {
  const place = h("div", { class: "plot", "aria-hidden": "true" });
  const figure = h("figure", {}, h("figcaption", {}, title, explain(term ?? title.toLowerCase(), term || ["Loss", "Accuracy"].includes(title) ? undefined : `The metric ${title.toLowerCase()}, over the epochs.`)), place);
  return { place, figure };
}

function dataOf({ series }) {
  return series.length ? uPlot.join(series.map(({ points }) => points)) : [[]];
}

function drawPlot(app, plot, place) {
  const colour = (token) => colourOf(place, token);
  const options = {
    width: place.clientWidth || 320,
    height: plot.height,
    legend: { live: true },
    cursor: { y: false, sync: { key: "sheer-curves" }, drag: { x: false, y: false }, points: { size: 5 } },
    scales: { x: { time: false, range: (_, low, high) => [Math.min(low, 0), high > 0 ? high : 1] }, y: { range: spread } },
    axes: plotAxes(colour),
    series: [{ label: "epochs", value: (_, x) => (x === null || x === undefined ? "" : formatNumber(x)) }, ...plot.series.map((one) => styleOf(one, colour))],
    hooks: { draw: [(u) => markStep(u, app, colour("--ink"))], ready: [(u) => goOnClick(u, app)] },
  };
  return new uPlot(options, dataOf(plot), place);
}

// Some room above and below, also where all values are one.
function spread(_, low, high) {
  if (low === null || low === undefined) return [0, 1];
  const margin = (high - low || Math.abs(high) || 1) * 0.08;
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}

function plotAxes(colour) {
  const font = "11px system-ui, sans-serif";
  const common = { stroke: colour("--soft"), font, ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
  const values = (_, ticks) => ticks.map((tick) => formatNumber(tick));
  return [
    { ...common, size: 24, space: 60, values, grid: { show: false } },
    { ...common, size: 46, space: 28, values },
  ];
}

// Each kind has its own line and points beside its colour.
function styleOf({ label, kind }, colour) {
  const value = (_, y) => (y === null || y === undefined ? "" : formatNumber(y));
  const loss = /(^|_)loss$/.test(label.split(",")[0]) || kind === "batch";
  const stroke = colour(loss ? "--loss" : kind === "rate" ? "--update" : "--metrics");
  const common = { label, value, stroke };
  if (kind === "batch") return { ...common, stroke: colour("--soft"), width: 0, paths: () => null, points: { show: true, size: 6, width: 1.5, fill: colour("--raised") } };
  if (kind === "end") return { ...common, width: 0, paths: () => null, points: { show: true, size: 8, width: 1, fill: stroke } };
  if (kind === "validation") return { ...common, stroke: colour("--accent"), width: 1.5, dash: [5, 4], points: { show: true, size: 8, width: 1.5, fill: colour("--raised") } };
  return { ...common, width: 1.75, points: { show: false } };
}

// An upright line where the shown step is.
function markStep(u, app, colour) {
  const { step } = app.view;
  if (!step) return;
  const x = u.valToPos(epochsAt(step, app.state.status), "x", true);
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

// A click goes to the nearest recorded step, if one is near.
function goOnClick(u, app) {
  u.over.addEventListener("click", (event) => {
    const at = event.clientX - u.over.getBoundingClientRect().left;
    const far = (step) => Math.abs(u.valToPos(epochsAt(step, app.state.status), "x") - at);
    const nearest = app.state.steps.reduce((best, step) => (!best || far(step) < far(best) ? step : best), null);
    if (nearest && far(nearest) <= NEAR) app.show({ step: nearest.id });
  });
}

function fillKey(key, described) {
  const kinds = [...new Set(described.flatMap(({ series }) => series.map(({ kind }) => kind)))].filter((kind) => KIND_WORDS[kind]);
  fill(key, kinds.map((kind) => h("li", { class: `key-${kind}` }, h("span", { class: "swatch", "aria-hidden": "true" }), KIND_WORDS[kind], explain(TERMS[kind]))));
}

function epochTable({ epoch, series }) {
  const names = Object.keys(series);
  if (!epoch.length) return h("p", { class: "caption" }, "No epoch has ended yet.");
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "epoch"), names.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, epoch.map((number, i) => h("tr", {}, h("th", { scope: "row" }, number), names.map((name) => h("td", {}, formatNumber(realNumber(series[name][i]), 4)))))),
  );
}

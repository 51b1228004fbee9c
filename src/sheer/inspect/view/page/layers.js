// Layer cards: activations and gradients over time, dead and saturated units, the size of updates.

import { fill, h, s } from "./dom.js";
import { explain } from "./meanings.js";
import { formatCount, formatNumber, formatShare, realNumber } from "./format.js";
import { sparkline } from "./spark.js";

// The ends of the gauge, and the band around 0.001 that is usual, as powers of ten.
const GAUGE = { low: -7, high: 0, healthy: [-4, -2] };

export function layersPanel(app) {
  const title = "Layers";
  const note = h("p", { class: "panel-note" }, "No step is recorded yet.");
  const cards = h("div", { class: "cards" });
  const el = h("section", {}, h("h2", {}, title), note, cards);
  let shown = {};

  function update({ step }) {
    const { steps } = app.state;
    if (step === shown.step && steps === shown.steps) return;
    shown = { step, steps };
    note.hidden = Boolean(step);
    if (!step) return;
    const open = new Set([...cards.querySelectorAll("details[open]")].map((d) => d.dataset.key));
    fill(
      cards,
      app.state.layers.map((layer) => layerCard(app, layer, steps, step)),
    );
    for (const details of cards.querySelectorAll("details")) details.open = open.has(details.dataset.key);
  }

  return { el, title, update };
}

function layerCard(app, layer, steps, step) {
  const figures = step.layers?.[layer.name] ?? {};
  const isThere = (key) => figures[key] !== null && figures[key] !== undefined;
  const context = { layer, steps, step, figures, chosen: steps.indexOf(step) };
  return h(
    "article",
    { class: "card layer-card", "aria-label": `${layer.name}, ${layer.kind}` },
    h(
      "header",
      {},
      h("h3", {}, layer.name),
      h("span", { class: "kind" }, layer.kind),
      layer.output ? lensButton(app, layer.output) : null,
    ),
    layer.formula ? h("p", { class: "formula faint" }, h("code", {}, layer.formula)) : null,
    isThere("activation_mean") ? activationFigure(context) : null,
    isThere("gradient_norm") ? gradientFigure(context) : null,
    figures.units ? unitsFigure(context) : null,
    isThere("update_ratio") ? ratioFigure(context) : null,
    isThere("weight_norm") ? normsTable(figures) : h("p", { class: "faint" }, "No weights are trained here."),
  );
}

function lensButton(app, name) {
  const click = () => {
    app.show({ target: name });
    app.reveal?.("lens");
  };
  return h("button", { type: "button", class: "ghost small", on: { click } }, `Look at ${name}`);
}

const series = ({ steps, layer }, key) => steps.map((step) => realNumber(step.layers?.[layer.name]?.[key]));

function figureHead(text, term, number) {
  return h(
    "div",
    { class: "figure-head" },
    h("span", {}, text),
    term ? explain(term) : null,
    h("span", { class: "num" }, number),
  );
}

function activationFigure(context) {
  const { figures, chosen, layer } = context;
  const number = `${formatNumber(figures.activation_mean)} ± ${formatNumber(figures.activation_deviation)}`;
  const values = series(context, "activation_mean");
  const label = `Activation of ${layer.name} over ${values.length} recorded steps, now ${number}`;
  const line = sparkline({ values, spread: series(context, "activation_deviation"), chosen, label });
  return h("div", { class: "figure phase-forward" }, figureHead("activations", "activation_deviation", number), line);
}

function gradientFigure(context) {
  const { figures, chosen, layer } = context;
  const values = series(context, "gradient_norm");
  const number = formatNumber(figures.gradient_norm);
  const label = `Size of the gradient of ${layer.name} over ${values.length} recorded steps, on a logarithmic scale, now ${number}`;
  return h(
    "div",
    { class: "figure phase-backward" },
    figureHead("size of the gradient", "gradient_norm", number),
    sparkline({ values, chosen, isLog: true, label }),
  );
}

function unitsFigure({ figures, layer }) {
  const canDie = layer.activation?.startsWith("relu");
  const canSaturate = ["tanh", "sigmoid", "hard_sigmoid"].includes(layer.activation);
  if (!canDie && !canSaturate) return null;
  const [word, count] = canDie ? ["dead", figures.dead] : ["saturated", figures.saturated];
  const share = count / figures.units;
  const number = `${formatCount(count)} of ${formatCount(figures.units)} (${formatShare(share)})`;
  const bar = h(
    "span",
    { class: `share-bar${share > 0.5 ? " is-much" : ""}`, "aria-hidden": "true" },
    h("span", { style: { width: `${100 * share}%` } }),
  );
  return h("div", { class: "figure" }, figureHead(`${word} units`, word, number), bar);
}

function ratioFigure({ figures }) {
  const ratio = realNumber(figures.update_ratio);
  const verdict = verdictOf(ratio);
  return h(
    "div",
    { class: "figure phase-update" },
    figureHead("update against weight", "update_ratio", formatNumber(ratio)),
    ratioGauge(ratio, verdict),
    h("p", { class: "verdict" }, verdict),
  );
}

// What the ratio says, in words: the gauge's colours alone would not.
export function verdictOf(ratio) {
  const power = Math.log10(ratio);
  if (!Number.isFinite(ratio)) return "Not finite: the training has broken.";
  if (ratio === 0) return "The weights did not move.";
  if (power < GAUGE.healthy[0]) return "Small steps: learning may be slow.";
  return power > GAUGE.healthy[1] ? "Large steps: usual at the very start, risky later." : "As usual.";
}

function ratioGauge(ratio, label) {
  const place = (power) =>
    (100 * (Math.max(GAUGE.low, Math.min(GAUGE.high, power)) - GAUGE.low)) / (GAUGE.high - GAUGE.low);
  const [from, to] = GAUGE.healthy.map(place);
  const ticks = { "1e−6": -6, "1e−4": -4, 0.01: -2, 1: 0 };
  return h(
    "div",
    { class: "gauge" },
    s(
      "svg",
      {
        viewBox: "0 0 100 8",
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `Gauge from 1e−7 to 1: ${label}`,
      },
      s("rect", { class: "track", x: 0, y: 2, width: 100, height: 4 }),
      s("rect", { class: "healthy", x: from, y: 2, width: to - from, height: 4 }),
      s("rect", { class: "usual", x: place(-3) - 0.2, y: 2, width: 0.4, height: 4 }),
      Number.isFinite(ratio)
        ? s("rect", { class: "needle", x: place(Math.log10(ratio || 1e-12)) - 0.5, y: 0, width: 1, height: 8 })
        : null,
    ),
    h(
      "div",
      { class: "ticks", "aria-hidden": "true" },
      Object.entries(ticks).map(([text, power]) => h("span", { style: { left: `${place(power)}%` } }, text)),
    ),
  );
}

function normsTable(figures) {
  const row = (text, term, key) =>
    h("div", {}, h("dt", {}, text, explain(term)), h("dd", { class: "num" }, formatNumber(figures[key])));
  return h(
    "dl",
    { class: "norms" },
    row("size of the weights", "weight_norm", "weight_norm"),
    row("size of the update", "update_norm", "update_norm"),
  );
}

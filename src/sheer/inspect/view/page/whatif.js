// What if: the same coming batches, from the same weights, with another learning rate.

import { colourOf, fill, h, write } from "./dom.js";
import { explain } from "./meanings.js";
import { formatNumber, realNumber } from "./format.js";

const RATES = { low: -6, high: 1 };
const CHART_HEIGHT = 200;

export function whatifPanel(app) {
  const title = "What if";
  const rate = rateField();
  const steps = h("input", { type: "number", min: 1, max: 1000, step: 1, value: 50 });
  const runButton = h("button", { type: "submit", class: "action" }, "Compare");
  const submit = (event) => {
    event.preventDefault();
    compare();
  };
  const form = h(
    "form",
    { class: "whatif-form", on: { submit } },
    rate.el,
    h("label", { class: "field" }, h("span", {}, "Batches"), steps),
    runButton,
  );
  const note = h("p", { class: "panel-note", role: "status" });
  const chart = h("div", { class: "plot", "aria-hidden": "true" });
  const figures = h("div", { class: "scroll-x" });
  const use = h("button", { type: "button", class: "action", on: { click: useRate } });
  const answer = h("div", { hidden: true }, chart, figures, use);
  const el = h("section", {}, h("h2", {}, title, explain("whatif")), note, form, answer);
  let [shown, plot, said] = [{}, null, ""];

  new ResizeObserver(() => plot?.setSize({ width: chart.clientWidth, height: CHART_HEIGHT })).observe(chart);

  function update({ step, theme }) {
    const { whatif } = app.state;
    form.hidden = !app.live;
    runButton.disabled = app.busy === "what_if";
    if (step && !shown.step) rate.set(nextRate(realNumber(step.learning_rate)));
    if (whatif && whatif !== shown.whatif) shown.answer = whatif;
    if (shown.answer !== shown.drawn || (theme !== shown.theme && shown.answer)) show(shown.answer);
    shown = { ...shown, step: step ?? shown.step, theme, whatif };
    if (!app.busy) write(note, said || noteText(shown.answer));
  }

  const noteText = (known) => {
    if (app.live)
      return known
        ? ""
        : "Choose another learning rate: the coming batches are run twice, and the model is left as it was.";
    return known
      ? "The last comparison before the page was exported."
      : "No comparison was made. A live page can make one: sheer view, or callbacks.View().";
  };

  function tell(text) {
    said = text;
    write(note, text || noteText(shown.answer));
  }

  async function compare() {
    tell("Running both…");
    try {
      const found = await app.command("what_if", { learning_rate: rate.value(), steps: Number(steps.value) });
      shown.answer = found; // `shown` may be another by now
      show(shown.answer);
      app.say(inWords(shown.answer));
      tell("");
    } catch (error) {
      tell(error.message);
    }
  }

  function show(known) {
    shown.drawn = known;
    answer.hidden = false;
    plot?.destroy();
    plot = drawComparison(chart, known);
    fill(figures, comparisonTable(known));
    use.hidden = !app.live;
    write(use, `Use ${formatNumber(known.other.learning_rate)} from here on`);
  }

  async function useRate() {
    const value = shown.answer.other.learning_rate;
    try {
      await app.command("set_learning_rate", { value });
      tell(`The learning rate is ${formatNumber(value)} from the next batch on.`);
    } catch (error) {
      tell(error.message);
    }
  }

  return { el, title, update };
}

const nextRate = (rate) => (rate > 0 ? Number((rate * 10).toPrecision(3)) : 0.01);

// A slider by powers of ten, and a field.
function rateField() {
  const slider = h("input", {
    type: "range",
    min: RATES.low,
    max: RATES.high,
    step: 0.05,
    "aria-label": "Learning rate, by powers of ten",
  });
  const field = h("input", { type: "number", min: 0, step: "any", required: true, "aria-label": "Learning rate" });
  slider.addEventListener("input", () => (field.value = Number((10 ** Number(slider.value)).toPrecision(2))));
  field.addEventListener("input", () => (slider.value = Math.log10(Number(field.value) || 1e-6)));
  const set = (value) => {
    field.value = value;
    slider.value = Math.log10(value);
  };
  set(0.01);
  return {
    el: h("div", { class: "field rate" }, h("span", {}, "Learning rate", explain("learning_rate")), slider, field),
    set,
    value: () => Number(field.value),
  };
}

const losses = (run) => run.loss.map(realNumber).map((value) => (Number.isFinite(value) ? value : null));

// Whether some losses are so much larger than others that only powers of ten show both.
function isWide(all) {
  const finite = all.filter(Number.isFinite);
  return finite.length > 0 && Math.min(...finite) > 0 && Math.max(...finite) > 20 * Math.min(...finite);
}

function drawComparison(place, { steps, now, other }) {
  if (typeof uPlot === "undefined") return null;
  const colour = (token) => colourOf(place, token);
  const font = "11px system-ui, sans-serif";
  const axis = {
    stroke: colour("--soft"),
    font,
    ticks: { show: false },
    grid: { stroke: colour("--line"), width: 1 },
    // On a scale of powers of ten the ticks without a label come as null.
    values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : formatNumber(tick))),
  };
  const line = (run, token, dash) => ({
    label: `learning rate ${formatNumber(run.learning_rate)}`,
    stroke: colour(token),
    width: 1.75,
    dash,
    points: { show: steps.length < 3 },
    value: (_, y) => (y == null ? "–" : formatNumber(y)),
  });
  const options = {
    width: place.clientWidth || 320,
    height: CHART_HEIGHT,
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { distr: isWide([...now.loss, ...other.loss].map(realNumber)) ? 3 : 1 } },
    axes: [
      { ...axis, size: 24, grid: { show: false } },
      { ...axis, size: 58 },
    ],
    series: [{ label: "batch" }, line(now, "--forward"), line(other, "--backward", [6, 3])],
  };
  return new uPlot(options, [steps, losses(now), losses(other)], place);
}

// The mean of the last quarter says more than one batch.
function lateLoss(run) {
  const late = run.loss.slice(-Math.max(1, Math.ceil(run.loss.length / 4))).map(realNumber);
  return late.reduce((total, value) => total + value, 0) / late.length;
}

function comparisonTable({ steps, now, other }) {
  const row = (title, of) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, title),
      [now, other].map((run) => h("td", {}, formatNumber(of(run)))),
    );
  const count = steps.length === 1 ? "1 batch" : `${steps.length} batches`;
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, `over ${count}`),
    h("th", { scope: "col" }, "— as now"),
    h("th", { scope: "col" }, "- - what if"),
  );
  const rows = [
    row("learning rate", (run) => run.learning_rate),
    row("loss of the first batch", (run) => realNumber(run.loss[0])),
    row("loss of the last batch", (run) => realNumber(run.loss.at(-1))),
    row("mean loss of the last quarter", lateLoss),
  ];
  return h("table", { class: "comparison" }, h("thead", {}, head), h("tbody", {}, rows));
}

function inWords({ now, other }) {
  const [a, b] = [lateLoss(now), lateLoss(other)];
  const verdict = !Number.isFinite(b)
    ? "the other breaks the training"
    : b < a
      ? "the other is better"
      : "the present one is better";
  return `With ${formatNumber(other.learning_rate)} the loss ends near ${formatNumber(b)}, with ${formatNumber(now.learning_rate)} near ${formatNumber(a)}: ${verdict}.`;
}

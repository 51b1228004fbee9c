// Draw a digit, or change the numbers of a row: what the model says of it, while you draw.

import { fill, h, write } from "./dom.js";
import { realNumber } from "./format.js";
import { explain } from "./meanings.js";
import { activationPath, answerInWords, outputBars } from "./answers.js";
import { drawingPad } from "./pad.js";
import { numberFields } from "./fields.js";
import { inSight } from "./sight.js";
import { paintImage, pictureCanvas } from "./picture.js";
import { predictInputs, predictStep, predicted, whyNoPrediction } from "./predict.js";

// The least time between two predictions, in milliseconds.
const PAUSE = 60;

export function drawPanel(app) {
  const inputs = predictInputs(app.state);
  const isDrawing = inputs.length === 1 && Boolean(inputs[0].image);
  const title = isDrawing ? "Draw" : "Try a row";
  const meaning = isDrawing
    ? "Your drawing is cut out, made as small as the images of the data and centred by its mass; then the model predicts it."
    : "Change the numbers of a row, and see what the model makes of them.";
  const note = h("p", { class: "panel-note" });
  const place = h("div", { class: "try-inputs" });
  const bars = h("div", { class: "try-outputs" });
  const path = activationPath(app);
  const body = h("div", { class: "try" }, place, bars);
  const way = h("div", { class: "way" }, h("h3", {}, "On the way"), path.el);
  const el = h(
    "section",
    {},
    h("h2", {}, title, explain(isDrawing ? "drawing" : "try a row", meaning)),
    note,
    body,
    way,
  );
  const ask = throttled(predict);
  const request = inSight(el, ask);
  const say = delayed((text) => app.say(text));
  let [asker, shown] = [null, {}];

  function update({ step, theme }) {
    if (step === shown.step && theme === shown.theme) return;
    const isFirst = !asker && step;
    shown = { step, theme };
    const reason = step ? whyNoPrediction(app) : "No step is recorded yet.";
    write(
      note,
      reason || (app.live ? "With the present weights." : `With the weights of step ${predictStep(app).step}.`),
    );
    body.hidden = way.hidden = Boolean(reason);
    if (isFirst) asker = isDrawing ? padAsker(app, inputs[0], step, ask) : fieldsAsker(app, inputs, step, ask);
    if (isFirst) fill(place, asker.el);
    asker?.draw();
    if (!reason) request();
  }

  async function predict() {
    if (whyNoPrediction(app)) return;
    const rows = asker?.rows();
    if (!rows) {
      fill(bars, h("p", { class: "faint" }, "Draw in the field, and the probabilities stand here."));
      way.hidden = true;
      return;
    }
    try {
      const { outputs, values } = await predicted(app, rows);
      fill(bars, outputBars(app, outputs));
      way.hidden = false;
      path.draw(values);
      say(answerInWords(app, outputs));
    } catch (error) {
      fill(bars, h("p", { class: "fault-text" }, error.message));
    }
  }

  return { el, title, update };
}

// Not two at a time, and not too often; the last wish is always done.
function throttled(act) {
  let [isBusy, isWanted] = [false, false];
  return async function ask() {
    isWanted = true;
    if (isBusy) return;
    isBusy = true;
    while (isWanted) {
      isWanted = false;
      await act();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    isBusy = false;
  };
}

// Said when the drawing rests.
function delayed(act, wait = 700) {
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(text), wait);
  };
}

const spanIn = (step, name) => {
  const { minimum, maximum } = step.statistics[name] ?? {};
  const [low, high] = [realNumber(minimum), realNumber(maximum)];
  return Number.isFinite(low) && high > low ? { low, high } : { low: 0, high: 1 };
};

// Takes a row of the batch: a number and a button.
function rowTaker(app, take, extra) {
  const field = h("input", { type: "number", min: 0, step: 1, value: 0, "aria-label": "Row of the batch" });
  const click = () => {
    const last = (app.view.step?.rows ?? 1) - 1;
    const row = Math.max(0, Math.min(last, Math.round(Number(field.value) || 0)));
    field.value = row;
    take(row).catch((error) => app.say(error.message));
  };
  const enter = (event) => event.key === "Enter" && click();
  field.addEventListener("keydown", enter);
  return h(
    "div",
    { class: "tools" },
    h("button", { type: "button", class: "action", on: { click } }, "Take sample"),
    field,
    extra,
  );
}

async function rowOfBatch(app, name, row) {
  const { shape, data } = await app.tensor(name);
  const size = data.length / shape[0];
  return data.slice(row * size, (row + 1) * size);
}

function padAsker(app, input, step, changed) {
  const span = spanIn(step, input.name);
  const seen = pictureCanvas("seen", "What the model sees");
  const pad = drawingPad(input.image, span, () => {
    paintSeen();
    changed();
  });
  const clear = h("button", { type: "button", class: "action", on: { click: () => pad.clear() } }, "Clear");
  const take = async (row) => pad.take(await rowOfBatch(app, input.name, row));
  const figure = h(
    "figure",
    { class: "seen-figure" },
    seen,
    h("figcaption", { class: "caption" }, "what the model sees"),
  );
  const el = h("div", {}, h("div", { class: "pad-place" }, pad.el, figure), rowTaker(app, take, clear));
  const paintSeen = () => {
    const numbers = pad.numbers();
    paintImage(seen, input.image, (k) => numbers[k], span.low, span.high);
  };
  const draw = () => {
    pad.show();
    paintSeen();
  };
  return { el, draw, rows: () => (pad.isEmpty() ? null : { [input.name]: pad.numbers() }) };
}

function fieldsAsker(app, inputs, step, changed) {
  const fields = inputs.map((input) => numberFields(input, spanIn(step, input.name), changed));
  const take = async (row) => {
    const rows = await Promise.all(inputs.map(({ name }) => rowOfBatch(app, name, row)));
    fields.forEach((field, k) => field.set(rows[k]));
    changed();
  };
  const el = h(
    "div",
    {},
    rowTaker(app, take),
    fields.map((field) => field.el),
  );
  take(0).catch(() => changed());
  return { el, draw() {}, rows: () => Object.fromEntries(inputs.map(({ name }, k) => [name, fields[k].numbers()])) };
}

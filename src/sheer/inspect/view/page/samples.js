// The rows of the batch with their loss, the most wrong first, and the confusion matrix that filters
// them.

import { fill, h, write } from "./dom.js";
import { explain } from "./meanings.js";
import { formatCount, formatNumber, formatPlural } from "./format.js";
import { className } from "./axes.js";
import { confusionTable } from "./confusion.js";
import { judgedRows } from "./judged.js";
import { paintImage, paintStrip, pictureCanvas } from "./picture.js";
import { inSight } from "./sight.js";
import { scatterPlot } from "./scatter.js";

const AT_ONCE_SAMPLES = 12;

export function samplesPanel(app) {
  const title = "Samples";
  const choice = { output: 0, filter: null, count: AT_ONCE_SAMPLES };
  const outputs = app.state.outputs;
  const select = h(
    "select",
    { on: { change: () => chooseOutput(Number(select.value)) } },
    outputs.map(({ name }, k) => h("option", { value: k }, name)),
  );
  const field = h("label", { class: "field", hidden: outputs.length < 2 }, h("span", {}, "Output"), select);
  const note = h("p", { class: "panel-note" });
  const matrix = h("div", {});
  const heading = h("div", { class: "samples-head" });
  const list = h("ol", { class: "samples" });
  const more = h("button", { type: "button", class: "ghost", hidden: true, on: { click: showMore } });
  const body = h("div", {}, matrix, heading, list, more);
  const el = h("section", {}, h("h2", {}, title, explain("sample_loss")), field, note, body);
  const request = inSight(el, load);
  let shown = {};
  let turn = 0;

  function update({ step, theme }) {
    if (step === shown.step && theme === shown.theme) return;
    if (step !== shown.step) choice.filter = null;
    shown = { ...shown, step, theme };
    request();
  }

  async function load() {
    const mine = (turn += 1);
    const { step } = shown;
    body.hidden = true;
    if (!step) return write(note, "No step is recorded yet.");
    if (!outputs.length) return write(note, "This model has no output that the page knows.");
    try {
      const found = await judgedRows(app, outputs[choice.output], step);
      if (mine !== turn) return;
      shown.judged = found;
      body.hidden = false;
      write(note, summaryOf(found));
      draw();
    } catch (error) {
      if (mine === turn) write(note, error.message);
    }
  }

  function chooseOutput(place) {
    Object.assign(choice, { output: place, filter: null, count: AT_ONCE_SAMPLES });
    load();
  }

  function setFilter(filter) {
    Object.assign(choice, { filter, count: AT_ONCE_SAMPLES });
    app.say(filter ? headingText(app.state, filter, kept().length) : "All samples");
    draw();
  }

  function showMore() {
    const first = choice.count;
    choice.count += 2 * AT_ONCE_SAMPLES;
    draw();
    list.children[first]?.querySelector("button")?.focus();
  }

  const kept = () =>
    shown.judged.rows.filter(
      ({ label, predicted }) =>
        !choice.filter || (label === choice.filter.label && predicted === choice.filter.predicted),
    );

  function draw() {
    const { judged } = shown;
    const focused = matrix.contains(document.activeElement) ? document.activeElement.dataset.cell : null;
    fill(
      matrix,
      judged.kind === "numbers"
        ? scatterPlot(judged.rows, goTo)
        : confusionTable(app.state, judged, choice.filter, setFilter),
    );
    matrix.querySelector(`[data-cell="${focused}"]`)?.focus();
    const rows = kept();
    fill(
      heading,
      h("h3", {}, headingText(app.state, choice.filter, rows.length)),
      choice.filter
        ? h("button", { type: "button", class: "ghost", on: { click: () => setFilter(null) } }, "Show all")
        : null,
    );
    const cards = rows.slice(0, choice.count).map((row) => sampleCard(app, judged, row, goTo));
    fill(
      list,
      cards.map(({ el: card }) => card),
    );
    cards.forEach(({ paint }) => paint());
    more.hidden = rows.length <= choice.count;
    write(more, `Show ${formatCount(Math.min(2 * AT_ONCE_SAMPLES, rows.length - choice.count))} more`);
  }

  // A sample opens in the lens, at its prediction.
  function goTo(row) {
    const { judged } = shown;
    const { shape } = judged.prediction;
    const cell = shape.length === 1 ? [row.row] : [row.row, judged.kind === "classes" ? row.predicted : 0];
    app.show({ target: judged.output.name, cell });
    app.reveal?.("lens");
  }

  return { el, title, update };
}

function summaryOf({ kind, rows }) {
  if (kind === "numbers") return `${formatPlural(rows.length, "row")} of this batch, the most wrong first.`;
  const right = rows.filter((row) => row.isRight).length;
  return `${formatCount(right)} of ${formatPlural(rows.length, "row")} of this batch are right.`;
}

function headingText(state, filter, count) {
  if (!filter) return "The most wrong first";
  return `${formatCount(count)} of class ${className(state, filter.label)}, predicted ${className(state, filter.predicted)}`;
}

// The number in the data is what "until" and "Take sample" ask for.
function placeOf(row, dataRows) {
  return dataRows ? `row ${row}, data row ${dataRows[row]}` : `row ${row}`;
}

function sampleCard(app, judged, row, goTo) {
  const picture = thumbnail(judged, row);
  const words = judged.kind === "numbers" ? numberWords(row) : classWords(app.state, judged, row);
  const button = h(
    "button",
    { type: "button", class: picture.isPicture ? "sample" : "sample has-strips", on: { click: () => goTo(row) } },
    picture.el,
    h(
      "span",
      { class: "sample-words" },
      words,
      row.loss === null
        ? null
        : h("span", { class: "faint" }, "loss ", h("span", { class: "num" }, formatNumber(row.loss))),
      h("span", { class: "faint" }, placeOf(row.row, app.view.step?.data_rows)),
    ),
  );
  return { el: h("li", { class: row.isRight === false ? "is-wrong" : "" }, button), paint: picture.paint };
}

function classWords(state, judged, { label, predicted, probability, isRight }) {
  const sure = probability === null ? "" : ` (${formatNumber(probability, 2)})`;
  const sign = isRight ? "✓" : "✕";
  const guess = h(
    "span",
    { class: isRight ? "is-right" : "is-wrong-word" },
    h("span", { "aria-hidden": "true" }, `${sign} `),
    `predicted ${nameOf(state, judged, predicted)}${sure}`,
  );
  return [h("strong", {}, nameOf(state, judged, label)), guess];
}

const nameOf = (state, { kind }, label) =>
  kind === "binary" && (state.data.classes?.length ?? 0) !== 2 ? String(label) : className(state, label);

function numberWords({ target, value }) {
  return [h("strong", {}, "is ", formatNumber(target, 4)), h("span", {}, `predicted ${formatNumber(value, 4)}`)];
}

// The row's image where its input has one; else its numbers as a strip for each input.
function thumbnail({ inputs }, { row }) {
  const numberAt = ({ tensor }) => {
    const size = tensor.data.length / tensor.shape[0];
    return { size, at: (k) => tensor.data[row * size + k] };
  };
  const pictured = inputs.find((input) => input.image);
  if (pictured) {
    const el = pictureCanvas("thumbnail", "");
    return {
      el,
      isPicture: true,
      paint: () => paintImage(el, pictured.image, numberAt(pictured).at, pictured.low, pictured.high),
    };
  }
  const strips = inputs.map(() => pictureCanvas("number-strip", ""));
  const paint = () =>
    inputs.forEach((input, k) => {
      const { size, at } = numberAt(input);
      paintStrip(
        strips[k],
        Array.from({ length: size }, (_, i) => at(i)),
        Math.max(Math.abs(input.low), Math.abs(input.high)) || 1,
      );
    });
  return { el: h("span", { class: "sample-strips" }, strips), isPicture: false, paint };
}

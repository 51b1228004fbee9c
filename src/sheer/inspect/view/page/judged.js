// The rows of a batch, with what they should be, what the model says, and their loss.

import { realNumber } from "./format.js";

// {output, kind, rows, prediction, inputs, classes} of an output in a step; the rows are the most
// wrong first. A row of classes is {row, label, predicted, probability, isRight, loss}, one of
// numbers {row, target, value, loss}. What there is no telling of is null.
export async function judgedRows(app, output, step) {
  const kept = (name) => (name && step.tensors.includes(name) ? app.tensor(name) : null);
  const data = app.state.data.inputs;
  const [prediction, target, losses, ...inputs] = await Promise.all(
    [output.name, output.target, output.losses, ...data.map(({ name }) => name)].map(kept),
  );
  if (!prediction || !target)
    throw new Error(`The ${prediction ? "targets" : "predictions"} of ${output.name} were not kept for this step.`);
  const rows = prediction.shape[0];
  const width = prediction.data.length / rows;
  const kind = output.kind === "classes" && width < 2 ? "binary" : output.kind;
  if (kind !== "numbers" && target.shape[0] !== rows)
    throw new Error(`${output.name} has no target for each of its rows.`);
  const judge = { classes: judgeClass, binary: judgeBinary, numbers: judgeNumber }[kind];
  const isSure = areProbabilities(prediction.data, kind === "classes" ? width : 1);
  const context = { prediction: prediction.data, width, target: target.data, each: target.data.length / rows, isSure };
  const perRow = losses ? losses.data.length / rows : 0;
  const judged = Array.from({ length: rows }, (_, row) => ({
    row,
    ...judge(row, context),
    loss: losses ? meanOf(losses.data, row * perRow, perRow) : null,
  }));
  judged.sort((a, b) => wrongness(b) - wrongness(a) || a.row - b.row);
  const shown = data.map((input, k) => ({ ...input, tensor: inputs[k], ...spanOf(step.statistics[input.name]) }));
  return {
    output,
    kind,
    rows: judged,
    prediction,
    inputs: shown.filter(({ tensor }) => tensor),
    classes: kind === "binary" ? 2 : width,
  };
}

const spanOf = (statistics) => ({ low: realNumber(statistics?.minimum), high: realNumber(statistics?.maximum) });

function meanOf(data, start, count) {
  let total = 0;
  for (let k = start; k < start + count; k += 1) total += data[k];
  return total / count;
}

// NaN counts as the most wrong of all.
function wrongness({ loss, isRight, target, value }) {
  if (loss !== null) return Number.isNaN(loss) ? Infinity : loss;
  return target === undefined ? Number(!isRight) : Math.abs(target - value);
}

// Whether the outputs are probabilities, or scores that are not yet.
function areProbabilities(data, width) {
  for (let k = 0; k < data.length; k += 1) if (data[k] < 0 || data[k] > 1.0001) return false;
  if (width === 1) return true;
  let total = 0;
  for (let k = 0; k < width; k += 1) total += data[k];
  return Math.abs(total - 1) < 0.01;
}

function largestOf(data, start, count) {
  let found = 0;
  for (let k = 1; k < count; k += 1) if (data[start + k] > data[start + found]) found = k;
  return found;
}

function judgeClass(row, { prediction, width, target, each, isSure }) {
  const label = each === width ? largestOf(target, row * each, each) : Math.round(target[row * each]);
  const predicted = largestOf(prediction, row * width, width);
  const probability = isSure ? prediction[row * width + predicted] : null;
  return { label, predicted, probability, isRight: label === predicted };
}

function judgeBinary(row, { prediction, width, target, each, isSure }) {
  const value = prediction[row * width];
  const label = Number(target[row * each] > 0.5);
  const predicted = Number(value > (isSure ? 0.5 : 0));
  const probability = isSure ? (predicted ? value : 1 - value) : null;
  return { label, predicted, probability, isRight: label === predicted };
}

function judgeNumber(row, { prediction, width, target, each }) {
  return { target: target[row * each], value: prediction[row * width] };
}

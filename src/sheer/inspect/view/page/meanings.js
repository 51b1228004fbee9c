// What each number on the page means: one line each, in one table.

import { h } from "./dom.js";

const MEANINGS = {
  // of a value
  shape: "How many numbers there are along each axis. The first axis of a layer's value is the rows of the batch.",
  range: "The least, the mean and the greatest of all the value's numbers, NaN and infinities left out.",
  zeros: "The share of the numbers that are exactly 0. Behind a relu these are the units that stay silent.",
  nans: "The share of the numbers that are not a number (NaN): the result of a sum without sense, such as 0 / 0 or ∞ − ∞.",
  infinities: "The share of the numbers that grew past what the format can hold.",
  histogram: "How the numbers spread from the least to the greatest: each bar is how many fall there.",
  seconds: "How long NumPy took for this line when the step was recorded.",
  // of a step
  step: "How many batches the weights have learned from before this one, since the training began.",
  epoch: "One epoch is one pass over all rows of the training data.",
  batch: "The training data is taken in small batches; the weights change once for each.",
  recorded: "A recorded step keeps the value of every line. Recording changes nothing in the training.",
  // of the flow
  forward: "Forward: from the data to the predictions, each layer from the one before it.",
  backward: "Backward: how much the loss would change with each number, from the last layer back to the first.",
  update: "Update: each weight takes a small step against its gradient; the optimizer says how large.",
  metrics: "Metrics: figures for people to read. Nothing is learned from them.",
  data: "What this batch brings in: the inputs of its rows.",
  predictions: "What the model answers for each row of the batch.",
  loss: "How wrong the predictions are, as one number: the mean over the batch. Training makes it smaller.",
  gradient: "For each number of a weight, how much the loss would grow if that number grew a little.",
  gradients: "For each weight, how much the loss would grow if that weight grew a little.",
  optimizer: "Turns gradients into new weights.",
  weights: "What the model has learned so far: the numbers that training changes.",
  // of the curves
  batch_loss: "The loss of one batch alone, at the steps that were recorded. It jumps about more than the mean.",
  running_mean: "The mean over the batches of this epoch so far, as fit prints it. It starts afresh at each epoch.",
  epoch_end: "The figure that stands at the end of an epoch.",
  validation: "The same figure on data that the training never learns from.",
  learning_rate: "How large a step each weight takes against its gradient.",
  accuracy: "The share of rows whose predicted class is the right one.",
  // of a layer
  dead: "Units that answered 0 to every row of this batch. A unit that is always dead learns nothing.",
  saturated: "Units that sit at an end of their activation's range for nearly every row, where the slope is almost 0.",
  activation_mean: "The mean of what the layer passes on.",
  activation_deviation: "How far the layer's values lie from their mean, typically.",
  gradient_norm: "The length of the layer's gradient: the root of the sum of its squares.",
  weight_norm: "The length of the layer's weights: the root of the sum of their squares.",
  update_norm: "The length of the change that this step makes to the layer's weights.",
  update_ratio: "The length of the change against the length of the weights. About 0.001 is usual.",
  // of samples and predictions
  sample_loss: "How wrong the model is on this one row: the greater, the more surprised by the right answer.",
  probability: "How sure the model is of a class, from 0 to 1. All classes together make 1.",
  confusion: "Rows are the right classes, columns the predicted ones: off the diagonal are the mistakes.",
  cell: "One number of the array, and the sum that made it.",
  whatif: "The same coming batches, from the same weights, with another learning rate. The model stays as it is.",
};

// The line for a term; a text of one's own goes before the table's.
function meaningOf(term, text) {
  return text ?? MEANINGS[term] ?? "";
}

// A "?" that opens the line for a term: explain("zeros"), or explain("kernel", "A line of one's own.").
// The line is a popover, in the browser's top layer: no box that scrolls cuts it off, and Escape or a
// click elsewhere closes it.
export function explain(term, text) {
  const line = meaningOf(term, text);
  const note = h("span", { class: "meaning-line", popover: "auto", role: "note" }, line);
  const label = `What is ${term.replaceAll("_", " ")}?`;
  const button = h("button", { type: "button", class: "meaning-button", "aria-label": label, "aria-description": line }, "?");
  button.popoverTargetElement = note;
  note.addEventListener("toggle", ({ newState }) => newState === "open" && placeBelow(note, button));
  return h("span", { class: "meaning" }, button, note);
}

// Below the button, or above it where there is no room, and never out of the window.
function placeBelow(note, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = note;
  const left = Math.max(8, Math.min(at.left - 12, innerWidth - width - 8));
  const isRoomBelow = at.bottom + 6 + height < innerHeight;
  note.style.left = `${left}px`;
  note.style.top = `${isRoomBelow ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
}

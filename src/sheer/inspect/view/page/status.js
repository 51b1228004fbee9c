// Where the training is: its state, epoch and batch, in words and as a bar.

import { h, fill, write } from "./dom.js";
import { explain } from "./meanings.js";
import { formatCount } from "./format.js";

const SIGNS = { running: "▶", paused: "‖", done: "✓", failed: "✕" };

const EPOCHS = "One epoch is one pass over the training data, which is taken in small batches; the weights change once for each batch.";

export function statusLine(app) {
  const state = h("span", { class: "state" });
  const place = h("span", { class: "place" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "This epoch" });
  const message = h("span", { class: "message" });
  const el = h("div", { class: "status" }, state, place, explain("epoch", EPOCHS), bar, message);
  let shown = null;
  let told = null;

  function update() {
    const { status } = app.state;
    if (status === shown) return;
    shown = status;
    state.dataset.state = status.state;
    const word = app.live ? status.state : `exported, ${status.state}`;
    fill(state, h("span", { "aria-hidden": "true" }, SIGNS[status.state] ?? "·"), ` ${word}`);
    write(place, placeInWords(status));
    bar.value = shareOfEpoch(status);
    write(message, status.message ?? "");
    tell(status);
  }

  // A change of the state is said aloud, with the reason that the training gives for it.
  function tell({ state: name, message: reason, ...rest }) {
    if (told !== null && (name !== told.name || reason !== told.reason)) {
      app.say([reason, `${name}, ${placeInWords({ state: name, ...rest })}`].filter(Boolean).join(" "));
    }
    told = { name, reason };
  }

  return { el, title: "Status", update };
}

function shareOfEpoch({ state, batch, batches }) {
  if (state === "done") return 1;
  return batches ? batch / batches : 0;
}

// "epoch 3 of 5, 12 of 469 batches": epochs are counted from 1 for people, of batches those that are
// done. After the end there is no batch to speak of.
export function placeInWords({ state, epoch, epochs, batch, batches }) {
  const ofEpochs = epochs ? ` of ${formatCount(epochs)}` : "";
  const ofBatches = batches ? ` of ${formatCount(batches)}` : "";
  const word = (batches || batch) === 1 ? "batch" : "batches";
  const words = `epoch ${formatCount(Math.min(epoch + 1, epochs || epoch + 1))}${ofEpochs}`;
  return state === "done" ? words : `${words}, ${formatCount(batch)}${ofBatches} ${word}`;
}

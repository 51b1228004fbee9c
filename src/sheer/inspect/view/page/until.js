// "Run until": the training stops by itself where something happens.

import { h } from "./dom.js";
import { reasonAgainst } from "./actions.js";
import { icon } from "./icons.js";

const REASONS_TO_STOP = {
  not_finite: "a NaN or infinity",
  loss_jump: "a jump of the loss",
  wrong: "a row is wrong",
  right: "a row is right",
};

export function untilForm(app) {
  const options = Object.entries(REASONS_TO_STOP).map(([value, text]) => h("option", { value }, text));
  const what = h("select", { "aria-label": "Run until", on: { change: update } }, options);
  const last = Math.max(0, app.state.data.rows - 1);
  const sample = h("input", { type: "number", min: 0, max: last, value: 0, required: true, inputmode: "numeric" });
  const which = h("label", { class: "which" }, "data row", sample);
  const go = h("button", { class: "action until" }, icon("until"), h("span", { class: "text" }, "Go"));
  const el = h("form", { class: "until-form", on: { submit } }, h("span", { class: "label" }, "until"), what, which, go);

  const isAboutRow = () => what.value === "wrong" || what.value === "right";

  function submit(event) {
    event.preventDefault();
    const args = isAboutRow() ? { what: what.value, sample: Number(sample.value) } : { what: what.value };
    app.say(`Running until ${REASONS_TO_STOP[what.value]}`);
    app.command("run_until", args).catch(() => {});
  }

  function update() {
    const reason = reasonAgainst(app, { needs: "paused" });
    which.hidden = !isAboutRow();
    for (const part of [what, sample, go]) part.disabled = Boolean(reason);
    el.title = reason || "Run until this happens";
  }

  update();
  return { el, update };
}

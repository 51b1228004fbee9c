// The controls: moving in what is recorded, and running the training on.

import { h, fill, write } from "./dom.js";
import { ACTIONS, perform, reasonAgainst } from "./actions.js";
import { formatCount, formatNumber } from "./format.js";
import { icon } from "./icons.js";
import { explain } from "./meanings.js";
import { untilForm } from "./until.js";

export function controlsBar(app) {
  const buttons = new Map(ACTIONS.map((action) => [action, actionButton(app, action)]));
  const group = (name) => [...buttons].filter(([action]) => action.group === name).map(([, button]) => button);
  const [previous, next] = group("step");
  const place = h("span", { class: "step-place" });
  const until = untilForm(app);
  const note = h("p", { class: "note" });
  const more = trainingToggle(() => el);
  const el = h(
    "section",
    { class: "controls", "aria-label": "Controls" },
    h("div", { class: "group", role: "group", "aria-label": "Lines" }, group("line")),
    h("div", { class: "group steps", role: "group", "aria-label": "Recorded steps" }, previous, place, explain("step"), next),
    more,
    h("div", { class: "group training", role: "group", "aria-label": "Training" }, group("training"), until.el),
    note,
  );

  function update({ step }) {
    fill(place, stepInWords(app.state.steps, step));
    for (const [action, button] of buttons) dressButton(app, action, button);
    until.update();
    el.setAttribute("aria-busy", String(Boolean(app.busy)));
    write(note, app.live ? reasonAgainst(app, { needs: "unfinished" }) : "Exported page: these need a live one.");
  }

  return { el, title: "Controls", update };
}

// On a narrow page the training's controls wait behind this button.
function trainingToggle(bar) {
  const button = h("button", { type: "button", class: "action more", "aria-label": "Training controls", "aria-expanded": "false", on: { click: toggle } }, icon("more"));
  function toggle() {
    const isOpen = bar().classList.toggle("is-open");
    button.setAttribute("aria-expanded", String(isOpen));
  }
  return button;
}

function actionButton(app, action) {
  const on = { click: () => perform(app, action) };
  const text = action.short ? h("span", { class: "text" }, action.short) : null;
  return h("button", { type: "button", class: `action ${action.name}`, "aria-label": action.label, on }, icon(action.icon), text);
}

// Why a button cannot be pressed stands in its title, for all of them in the note beside.
function dressButton(app, action, button) {
  const reason = reasonAgainst(app, action);
  button.disabled = Boolean(reason);
  button.title = reason || `${action.label} (${action.keys.map((key) => (key === " " ? "Space" : key)).join(", ")})`;
  if (action.name !== "run") return;
  const isRunning = app.state.status.state === "running";
  if (button.dataset.running === String(isRunning)) return;
  button.dataset.running = isRunning;
  button.setAttribute("aria-label", isRunning ? "Pause" : "Run");
  fill(button, icon(isRunning ? "pause" : "run"), h("span", { class: "text" }, isRunning ? "Pause" : "Run"));
}

// "step 40, 3 of 9, loss 0.31": which of the recorded steps is shown.
function stepInWords(steps, step) {
  if (!step) return "no step recorded yet";
  const place = steps.findIndex((other) => other.id === step.id) + 1;
  return [
    h("strong", {}, `step ${formatCount(step.step)}`),
    h("span", { class: "faint" }, ` · ${place} of ${steps.length} recorded`),
    step.loss === null ? null : h("span", { class: "faint step-loss" }, ` · loss ${formatNumber(step.loss)}`),
  ];
}

// A list of the values of a step, by the part of the program that they belong to.

import { fill, h } from "./dom.js";

const GROUPS = { forward: "Forward", loss: "Loss", backward: "Backward", update: "Update", metrics: "Metrics" };

// {el, update(view)}: a select of all values of the step shown.
export function valueSelect(app, chosen) {
  const select = h("select", { on: { change: () => chosen(select.value) } });
  const el = h("label", { class: "field" }, h("span", {}, "Value"), select);
  let made = null;

  function update(view) {
    if (view.step && made !== view.step) {
      made = view.step;
      fill(
        select,
        groupsOf(app.state, view.step).map(([label, names]) => group(label, names)),
      );
    }
    select.disabled = !view.step;
    if (view.target && select.value !== view.target) select.value = view.target;
  }

  return { el, update };
}

const group = (label, names) =>
  h(
    "optgroup",
    { label },
    names.map((name) => h("option", { value: name }, name)),
  );

function groupsOf(state, step) {
  const isThere = (name) => name in step.statistics;
  const data = [...state.data.inputs, ...state.data.targets].map((input) => input.name);
  const weights = state.layers.flatMap((layer) => layer.weights.map((weight) => weight.name));
  const lines = Object.entries(GROUPS).map(([phase, label]) => [
    label,
    state.program.rows.filter((row) => row.phase === phase).flatMap((row) => row.targets),
  ]);
  const known = new Set([...data, ...weights, ...lines.flatMap(([, names]) => names)]);
  const rest = Object.keys(step.statistics).filter((name) => !known.has(name));
  return [["Data", data], ["Weights", weights], ...lines, ["State", rest]]
    .map(([label, names]) => [label, [...new Set(names)].filter(isThere)])
    .filter(([, names]) => names.length);
}

// The numbers of a row, each with a slider and a field: for inputs that are no images.

import { fill, h, write } from "./dom.js";
import { formatNumber } from "./format.js";

const AT_ONCE_FIELDS = 20;

// {el, set(numbers), numbers()} for an input; `span` is {low, high}, what its numbers usually are.
export function numberFields({ name, shape }, span, changed) {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = new Float64Array(size);
  const list = h("div", { class: "number-fields" });
  const place = h("span", { class: "faint" });
  const turn = (by) => () => show(first + by * AT_ONCE_FIELDS);
  const back = h(
    "button",
    { type: "button", class: "ghost", "aria-label": `Numbers of ${name} before`, on: { click: turn(-1) } },
    "‹",
  );
  const on = h(
    "button",
    { type: "button", class: "ghost", "aria-label": `Next numbers of ${name}`, on: { click: turn(1) } },
    "›",
  );
  const pager = h("div", { class: "pager", hidden: size <= AT_ONCE_FIELDS }, back, place, on);
  const el = h("fieldset", { class: "input-fields" }, h("legend", {}, h("code", {}, name)), pager, list);
  let [first, rows] = [0, []];

  function show(from) {
    first = from;
    const count = Math.min(AT_ONCE_FIELDS, size - first);
    rows = Array.from({ length: count }, (_, k) =>
      fieldRow(size === 1 ? name : `${name}[${first + k}]`, span, (value) => change(first + k, value)),
    );
    fill(
      list,
      rows.map((row) => row.el),
    );
    rows.forEach((row, k) => row.set(values[first + k]));
    write(place, `${first}–${first + count - 1} of ${size}`);
    back.disabled = first === 0;
    on.disabled = first + count >= size;
  }

  function change(k, value) {
    values[k] = value;
    rows[k - first].set(value);
    changed();
  }

  function set(numbers) {
    values.set(numbers);
    rows.forEach((row, k) => row.set(values[first + k]));
  }

  show(0);
  return { el, set, numbers: () => values.slice() };
}

function fieldRow(label, { low, high }, changed) {
  const step = (high - low || 1) / 200;
  const act = (event) => {
    const value = Number(event.target.value);
    if (Number.isFinite(value) && event.target.value !== "") changed(value);
  };
  const slider = h("input", { type: "range", min: low, max: high, step, "aria-label": label, on: { input: act } });
  const field = h("input", { type: "number", step: "any", "aria-label": `${label}, as a number`, on: { change: act } });
  const set = (value) => {
    slider.value = value;
    slider.title = formatNumber(value);
    field.value = Number(value.toPrecision(5));
  };
  return { el: h("div", { class: "slider" }, h("code", { class: "axis" }, label), slider, field), set };
}

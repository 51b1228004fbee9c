// A slider and a field for each axis of a value: together they name one number.

import { fill, h } from "./dom.js";

// {el, update(shape, words, index)}; `changed(index)` is called when the reader moves one.
export function indexSliders(changed) {
  const el = h("div", { class: "sliders", role: "group", "aria-label": "Index" });
  let [rows, made, current] = [[], "", []];

  function update(shape, words, index) {
    current = index;
    if (made !== `${shape} ${words}`) {
      made = `${shape} ${words}`;
      rows = shape.map((size, axis) => axisSlider(size, words[axis], (place) => changed(current.with(axis, place))));
      fill(
        el,
        rows.map((row) => row.el),
      );
    }
    rows.forEach((row, axis) => row.set(index[axis]));
  }

  return { el, update };
}

function axisSlider(size, word, changed) {
  const last = size - 1;
  const act = (event) => {
    const place = Math.max(0, Math.min(last, Math.round(Number(event.target.value))));
    if (Number.isFinite(place)) changed(place);
  };
  const slider = h("input", {
    type: "range",
    min: 0,
    max: last,
    step: 1,
    "aria-label": word,
    disabled: last < 1,
    on: { input: act },
  });
  const field = h("input", {
    type: "number",
    min: 0,
    max: last,
    step: 1,
    "aria-label": `${word}, as a number`,
    on: { change: act },
  });
  const set = (place) => {
    slider.value = place;
    field.value = place;
  };
  return {
    el: h(
      "div",
      { class: "slider" },
      h("span", { class: "axis" }, word),
      slider,
      field,
      h("span", { class: "faint" }, `of ${size}`),
    ),
    set,
  };
}

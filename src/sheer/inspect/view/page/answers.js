// What a prediction says: a bar for each class, or the numbers; and the values on the way to it.

import { fill, h } from "./dom.js";
import { explain } from "./meanings.js";
import { formatNumber, formatShape } from "./format.js";
import { className } from "./axes.js";
import { paintStrip, pictureCanvas } from "./picture.js";
import { rangeOf } from "./palette.js";

const MOST_BARS = 20;

// The outputs of a prediction as bars, each with its number.
export function outputBars(app, outputs) {
  return app.state.outputs
    .filter(({ name }) => outputs[name])
    .map((output) => outputFigure(app, output, outputs[output.name]));
}

function outputFigure(app, { name, kind }, numbers) {
  const title = h("h3", {}, name, kind === "numbers" ? null : explain("probability"));
  if (kind !== "classes" || numbers.length < 2)
    return h(
      "div",
      { class: "answer-figure" },
      title,
      h("p", { class: "single-answer" }, numbers.map((value) => formatNumber(value, 4)).join(", ")),
    );
  const best = numbers.indexOf(Math.max(...numbers));
  const order = Array.from(numbers, (_, label) => label);
  if (numbers.length > MOST_BARS) order.sort((a, b) => numbers[b] - numbers[a]).splice(MOST_BARS);
  const bar = (label) =>
    h(
      "li",
      { class: label === best ? "is-best" : "" },
      h("span", { class: "class-name" }, className(app.state, label)),
      h(
        "span",
        { class: "probability", "aria-hidden": "true" },
        h("span", { style: { width: `${Math.max(0, Math.min(1, numbers[label])) * 100}%` } }),
      ),
      h("span", { class: "num" }, formatNumber(numbers[label], 2)),
    );
  return h("div", { class: "answer-figure" }, title, h("ul", { class: "bars-list" }, order.map(bar)));
}

// In words, for those who hear the page.
export function answerInWords(app, outputs) {
  const known = app.state.outputs.filter(({ name }) => outputs[name]);
  return known
    .map(({ name, kind }) => {
      const numbers = outputs[name];
      const best = numbers.indexOf(Math.max(...numbers));
      return kind === "classes" && numbers.length > 1
        ? `${name}: ${className(app.state, best)}, ${formatNumber(numbers[best], 2)}`
        : `${name}: ${formatNumber(numbers[0], 3)}`;
    })
    .join("; ");
}

// Each layer's value on the way, as a strip: {el, draw(values)}.
export function activationPath(app) {
  const el = h("ol", { class: "path" });
  return {
    el,
    draw(values) {
      const found = app.state.layers.flatMap((layer) =>
        layer.values.filter((name) => values[name]).map((name) => ({ layer, name, value: values[name] })),
      );
      fill(el, found.map(pathItem));
      for (const canvas of el.querySelectorAll("canvas")) {
        const numbers = Array.from(values[canvas.dataset.name].data);
        paintStrip(canvas, numbers, rangeOf(numbers).limit);
      }
    },
  };
}

// A value of one number is that number, a longer one a strip.
function pathItem({ layer, name, value: { shape, data } }) {
  const words = h(
    "span",
    { class: "path-name" },
    h("code", {}, name),
    h("span", { class: "faint" }, ` ${layer.name}, ${formatShape(shape.slice(1))}`),
  );
  if (data.length === 1)
    return h("li", { class: "is-single" }, words, h("span", { class: "num" }, formatNumber(data[0], 4)));
  const strip = pictureCanvas("number-strip", `${name} of ${layer.name} as a strip`);
  strip.dataset.name = name;
  return h("li", {}, words, strip);
}

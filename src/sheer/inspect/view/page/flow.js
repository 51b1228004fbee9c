// The flow strip: data → layers → predictions → loss, back through the gradients, and by the
// optimizer into the weights. Each box shows how its numbers are spread.

import { boxesOf } from "./boxes.js";
import { h, fill, unseen, write } from "./dom.js";
import { formatNumber, formatShape } from "./format.js";
import { smallHistogram } from "./histogram.js";
import { explain } from "./meanings.js";
import { phaseOf } from "./phases.js";

const LANES = { forward: 1, backward: 2, optimizer: 3, update: 4 };

export function flowPanel(app) {
  const { forward, backward, update: updates, columns } = boxesOf(app.state);
  const made = [...forward, ...backward, ...updates].map((box) => ({ box, ...boxButton(app, box) }));
  const optimizer = optimizerBar(app, columns);
  const lanes = ["forward", "backward", "update"].map(laneLabel);
  const strip = h("div", { class: "strip" }, lanes, made.map(({ el }) => el), optimizer.el);
  strip.style.setProperty("--columns", columns);
  // The optimizer stands between the gradients and the weights for those who hear the page, too.
  strip.insertBefore(optimizer.el, made.at(forward.length + backward.length)?.el ?? null);
  const el = h("section", { class: "flow", "aria-label": "Flow of one step" }, h("h2", { class: "unseen" }, "Flow of one step"), strip);
  let shown = {};

  function update({ step, row }) {
    if (step !== shown.step || !shown.isFilled) {
      for (const { box, body } of made) fillBox(body, box, step);
      optimizer.update(step);
    }
    if (row !== shown.row) light(made, optimizer, strip, row, app.state.program.rows[row]);
    shown = { step, row, isFilled: true };
  }

  return { el, title: "Flow", update };
}

function laneLabel(lane) {
  const { title, sign } = phaseOf(lane);
  const style = { "grid-row": String(LANES[lane]) };
  return h("div", { class: `lane phase-${lane}`, style }, h("span", { class: "sign", "aria-hidden": "true" }, sign), h("span", { class: "lane-title" }, title), explain(lane));
}

function boxButton(app, box) {
  const body = h("span", { class: "box-body" });
  const style = { "grid-row": String(LANES[box.lane]), "grid-column": String(box.column + 2) };
  const phase = box.isLoss ? "loss" : box.lane;
  const button = h(
    "button",
    { type: "button", class: "box-button", on: { click: () => goTo(app, box) } },
    h("span", { class: "box-title" }, box.title),
    box.note ? h("span", { class: "box-note" }, box.note) : null,
    box.from?.length ? h("span", { class: "box-from" }, `from ${box.from.join(", ")}`) : null,
    body,
  );
  const el = h("div", { class: `box phase-${phase}${box.hasArrow ? " has-arrow" : ""} lane-${box.lane}`, style }, button, box.term ? explain(box.term) : null);
  return { el, button, body };
}

// To the first row of the box; data has none, and opens the lens.
function goTo(app, { rows, values, lane }) {
  const row = lane === "update" ? rows.at(-1) : rows[0];
  app.show({ row, target: values[0] });
}

function fillBox(body, { values, isLoss }, step) {
  if (!step) return fill(body, h("span", { class: "box-empty" }, "no step yet"));
  const found = values.filter((name) => step.statistics[name]);
  fill(body, found.map((name) => valueInBox(name, step.statistics[name], found.length > 1, isLoss)));
}

function valueInBox(name, statistics, isNamed, isLoss) {
  if (!statistics.shape.length) return h("span", { class: isLoss ? "box-number" : "box-value" }, unseen(`${name} `), formatNumber(statistics.mean, 4));
  const isBad = statistics.nans || statistics.infinities;
  return h(
    "span",
    { class: "box-value" },
    smallHistogram(statistics.histogram, 96, isNamed ? 12 : 22),
    h("span", { class: "box-name" }, isBad ? h("strong", { class: "fault" }, "⚠ ") : null, h("span", { class: "code" }, name), ` ${formatShape(statistics.shape)}`),
  );
}

function optimizerBar(app, columns) {
  const [name, rate] = [h("span", {}, app.state.optimizer.name), h("span", {})];
  const go = () => {
    const row = app.state.program.rows.findIndex(({ phase }) => phase === "update");
    if (row >= 0) app.show({ row });
  };
  const style = { "grid-row": String(LANES.optimizer), "grid-column": `3 / ${columns}` };
  const button = h("button", { type: "button", class: "optimizer-button", on: { click: go } }, name, rate);
  const arrow = () => h("span", { class: "sign", "aria-hidden": "true" }, "↓");
  const el = h("div", { class: "optimizer phase-update", style }, arrow(), h("span", { class: "faint" }, "optimizer"), button, explain("optimizer"), arrow());
  // A train_step with optimizers of its own leaves that of compile() out: it has no learning rate there.
  const update = (step) => {
    const isOwn = step?.learning_rate === null;
    write(name, isOwn ? "of its own" : app.state.optimizer.name);
    write(rate, !step || isOwn ? "" : `, learning rate ${formatNumber(step.learning_rate)}`);
  };
  return { el, button, update };
}

function light(made, optimizer, strip, current, row) {
  for (const { box, el, button } of made) {
    const isLit = box.rows.includes(current);
    el.classList.toggle("is-lit", isLit);
    if (isLit) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
  optimizer.el.classList.toggle("is-lit", row?.phase === "update");
  const lit = made.find(({ el }) => el.classList.contains("is-lit"))?.el;
  if (lit) keepInStrip(lit, strip);
}

// Scrolls the strip sideways, never the page.
function keepInStrip(el, strip) {
  const [inner, outer] = [el.getBoundingClientRect(), strip.getBoundingClientRect()];
  const room = Math.min(120, outer.width / 4);
  if (inner.left < outer.left + room) strip.scrollLeft += inner.left - outer.left - room;
  else if (inner.right > outer.right - 24) strip.scrollLeft += inner.right - outer.right + 24;
}

// The weights of the first layer as images: each unit's before the step, after it, and the difference.

import { fill, h, write } from "./dom.js";
import { formatCount, formatNumber } from "./format.js";
import { explain } from "./meanings.js";
import { firstKernels } from "./axes.js";
import { heatLegend } from "./legend.js";
import { inSight } from "./sight.js";
import { paintHeat, pictureCanvas } from "./picture.js";
import { rangeOf } from "./palette.js";

const AT_ONCE_TILES = 24;
const KINDS = { before: "before the step", after: "after the step", difference: "difference" };
const ORDERS = { unit: "by number", change: "the most changed first", size: "the largest first" };

// Null where no input is an image that a layer reads.
export function weightsPanel(app) {
  const kernel = firstKernels(app.state)[0];
  if (!kernel) return null;
  const title = "First-layer weights";
  const choice = { kind: "difference", order: "change", page: 0, unit: null, channel: 0 };
  let shown = {};
  let turn = 0;
  const redraw = () => shown.parts && draw();
  const tools = weightTools(choice, kernel, redraw);
  const note = h("p", { class: "panel-note" });
  const legend = heatLegend();
  const large = largeUnit(app, kernel);
  const tiles = h("div", { class: "tiles" });
  const body = h("div", {}, tools.el, large.el, tiles, legend.el);
  const el = h(
    "section",
    {},
    h(
      "h2",
      {},
      title,
      explain(
        "first-layer weights",
        "Each unit of the first layer has one weight for each pixel: as an image they show what the unit looks for.",
      ),
    ),
    note,
    body,
  );
  const request = inSight(el, load);

  function update({ step, theme }) {
    if (step === shown.step && theme === shown.theme) return;
    shown = { ...shown, step, theme };
    write(
      note,
      step
        ? `${kernel.name}: ${formatCount(kernel.shape[1])} units. Orange speaks for the unit, blue against it.`
        : "No step is recorded yet.",
    );
    body.hidden = !step;
    if (step) request();
  }

  async function load() {
    const mine = (turn += 1);
    const { step } = shown;
    try {
      const [before, after] = await Promise.all([app.tensor(kernel.name), afterOf(app, step, kernel)]);
      if (mine !== turn) return;
      body.hidden = false;
      shown.parts = partsOf(before, after);
      tools.update(shown.parts);
      draw();
    } catch (error) {
      if (mine === turn) {
        body.hidden = true;
        write(note, error.message);
      }
    }
  }

  function draw() {
    const { parts } = shown;
    const kind = parts[choice.kind] ? choice.kind : "before";
    const { data, range } = parts[kind];
    const order = parts.orders[choice.order] ?? parts.orders.unit;
    choice.unit ??= order[0];
    const units = order.slice(choice.page * AT_ONCE_TILES, (choice.page + 1) * AT_ONCE_TILES);
    fill(
      tiles,
      units.map((unit) => unitTile(unit, unit === choice.unit, () => choose(unit))),
    );
    units.forEach((unit, k) =>
      paintUnit(tiles.children[k].querySelector("canvas"), kernel, data, unit, choice.channel, range.limit),
    );
    large.draw(parts, choice);
    legend.draw(range);
  }

  function choose(unit) {
    choice.unit = unit;
    app.say(`unit ${unit}`);
    draw();
    tiles.querySelector("[aria-pressed=true]")?.focus();
  }

  return { el, title, update };
}

const afterOf = (app, step, kernel) =>
  kernel.new && step.tensors.includes(kernel.new) ? app.tensor(kernel.new) : null;

function partsOf(before, after) {
  const [inputs, units] = before.shape;
  const parts = { before: { data: before.data, range: rangeOf(before.data) }, orders: {} };
  const all = Array.from({ length: units }, (_, unit) => unit);
  const sizes = (data) => all.map((unit) => squaresOf(data, unit, inputs, units));
  parts.sizes = sizes(before.data).map(Math.sqrt);
  if (after) {
    const difference = after.data.map((value, k) => value - before.data[k]);
    parts.after = { data: after.data, range: parts.before.range };
    parts.difference = { data: difference, range: rangeOf(difference) };
    parts.changes = sizes(difference).map(Math.sqrt);
    parts.orders.change = byLargest(all, parts.changes);
  }
  return Object.assign(parts, { orders: { ...parts.orders, unit: all, size: byLargest(all, parts.sizes) } });
}

const byLargest = (units, sizes) => [...units].sort((a, b) => sizes[b] - sizes[a]);

function squaresOf(data, unit, inputs, units) {
  let total = 0;
  for (let k = 0; k < inputs; k += 1) total += data[k * units + unit] ** 2;
  return total;
}

function paintUnit(canvas, { image, shape }, data, unit, channel, limit) {
  const at = (k) => data[(k * image.channels + channel) * shape[1] + unit];
  paintHeat(canvas, image.height, image.width, at, limit);
}

function unitTile(unit, isChosen, click) {
  return h(
    "button",
    { type: "button", class: "tile", "aria-pressed": String(isChosen), "aria-label": `unit ${unit}`, on: { click } },
    pictureCanvas("tile-image"),
    h("span", {}, unit),
  );
}

// The chosen unit: its three images side by side.
function largeUnit(app, kernel) {
  const caption = h("p", { class: "caption" });
  const figures = Object.fromEntries(
    Object.entries(KINDS).map(([kind, text]) => [
      kind,
      h("figure", {}, pictureCanvas("unit-image", `The chosen unit, ${text}`), h("figcaption", {}, text)),
    ]),
  );
  const look = h("button", { type: "button", class: "ghost small" }, "Look at it in the lens");
  const el = h(
    "div",
    { class: "unit" },
    h("div", { class: "unit-images" }, Object.values(figures)),
    h("div", { class: "unit-text" }, caption, look),
  );
  let unit = 0;
  look.addEventListener("click", () => {
    const { height, width, channels } = kernel.image;
    app.show({
      target: kernel.name,
      cell: [Math.floor(height / 2) * width * channels + Math.floor(width / 2) * channels, unit],
    });
    app.reveal?.("lens");
  });
  return {
    el,
    draw(parts, choice) {
      unit = choice.unit;
      for (const [kind, figure] of Object.entries(figures)) {
        figure.hidden = !parts[kind];
        if (parts[kind])
          paintUnit(
            figure.querySelector("canvas"),
            kernel,
            parts[kind].data,
            unit,
            choice.channel,
            parts[kind].range.limit,
          );
      }
      const change = parts.changes
        ? `; this step changed them by ${formatNumber(parts.changes[unit])}, drawn on a scale of its own`
        : "";
      fill(
        caption,
        h("strong", {}, `Unit ${unit}`),
        `: its weights have the size ${formatNumber(parts.sizes[unit])}${change}.`,
      );
    },
  };
}

function weightTools(choice, kernel, redraw) {
  const pages = Math.ceil(kernel.shape[1] / AT_ONCE_TILES);
  const select = (label, options, key) => {
    const change = () => {
      choice[key] = own.value;
      choice.page = 0;
      turned();
    };
    const own = h(
      "select",
      { on: { change } },
      Object.entries(options).map(([value, text]) => h("option", { value, selected: value === choice[key] }, text)),
    );
    return h("label", { class: "field" }, h("span", {}, label), own);
  };
  const kinds = select("Show", KINDS, "kind");
  const orders = select("Order", ORDERS, "order");
  const channels = Object.fromEntries(Array.from({ length: kernel.image.channels }, (_, k) => [k, `channel ${k}`]));
  const turn = (by) => () => {
    choice.page = Math.max(0, Math.min(pages - 1, choice.page + by));
    turned();
  };
  const place = h("span", { class: "faint" });
  const back = h(
    "button",
    { type: "button", class: "ghost", "aria-label": "Units before", on: { click: turn(-1) } },
    "‹",
  );
  const on = h("button", { type: "button", class: "ghost", "aria-label": "Next units", on: { click: turn(1) } }, "›");
  const pager = h("div", { class: "pager", hidden: pages < 2 }, back, place, on);
  const el = h(
    "div",
    { class: "tools" },
    kinds,
    orders,
    kernel.image.channels > 1 ? select("Channel", channels, "channel") : null,
    pager,
  );

  function turned() {
    choice.channel = Number(choice.channel);
    back.disabled = choice.page === 0;
    on.disabled = choice.page === pages - 1;
    write(
      place,
      `${formatCount(choice.page * AT_ONCE_TILES + 1)}–${formatCount(Math.min(kernel.shape[1], (choice.page + 1) * AT_ONCE_TILES))} of ${formatCount(kernel.shape[1])}`,
    );
    redraw();
  }
  turned();

  // Without the weights after the step there is nothing to compare.
  function update(parts) {
    for (const option of kinds.querySelectorAll("option")) option.disabled = !parts[option.value];
    for (const option of orders.querySelectorAll("option")) option.disabled = !parts.orders[option.value];
  }

  return { el, update };
}

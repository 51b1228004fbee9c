// The program: its text, each row with its live value beside it, the current row lit.

import { h, fill, unseen } from "./dom.js";
import { formatSeconds } from "./format.js";
import { explain } from "./meanings.js";
import { indentedLines, listingOf } from "./listing.js";
import { phasesOf } from "./moves.js";
import { phaseOf } from "./phases.js";
import { colouredCode } from "./syntax.js";
import { valueLine } from "./value.js";

export function programPanel(app) {
  const { program } = app.state;
  const listing = listingOf(program);
  const box = h("div", { class: "listing" });
  const now = h("p", { class: "now" });
  const el = h(
    "section",
    { class: "program", "aria-label": "Program" },
    h("div", { class: "program-head" }, h("h2", {}, "Program"), phaseLinks(app)),
    legend(),
    box,
    now,
  );

  let rows = []; // of each row {el, values}
  let shown = {};

  function build(step) {
    const isValue = knownValues(program, step);
    rows = [];
    const items = listing.items.map((item) => {
      if (item.kind !== "row") return lineOf(item);
      const made = rowLine(app, item, isValue);
      rows[item.row] = made;
      return made.el;
    });
    fill(box, around("Imports", listing.before), items, around("Helper functions", listing.after));
  }

  function update({ step, row, target }) {
    if (!shown.isBuilt || (step && !shown.step)) {
      build(step);
      shown = { isBuilt: true };
    }
    if (step !== shown.step) rows.forEach((made, i) => fillValues(made, program.rows[i], step));
    if (row !== shown.row) lightRow(rows, row, box);
    if (target !== shown.target || row !== shown.row) lightNames(box, target);
    if (row !== shown.row || step !== shown.step) fill(now, rowInWords(program.rows[row], step, row));
    shown = { ...shown, step, row, target };
  }

  return { el, title: "Program", update };
}

// What a name must be for the lens to show it.
function knownValues(program, step) {
  const names = new Set(program.rows.flatMap((row) => row.targets));
  for (const name of Object.keys(step?.statistics ?? {})) names.add(name);
  for (const row of program.rows.filter((r) => r.phase === "result")) row.targets.forEach((t) => names.delete(t));
  return (name) => names.has(name);
}

// Chips that go to the first row of each phase.
function phaseLinks(app) {
  const chips = phasesOf(app.state.program.rows).map(({ phase, row }) => {
    const { title, sign } = phaseOf(phase);
    const on = { click: () => app.show({ row }) };
    return h("li", {}, h("button", { type: "button", class: `chip phase-${phase}`, on }, h("span", { "aria-hidden": "true" }, sign), ` ${title}`));
  });
  return h("ul", { class: "chips", "aria-label": "Go to a phase" }, chips);
}

function legend() {
  return h(
    "div",
    { class: "legend" },
    h("span", { class: "legend-code" }, "line and code"),
    h("span", {}, "shape", explain("shape")),
    h("span", {}, "spread", explain("histogram")),
    h("span", {}, "min … mean … max", explain("range")),
    h("span", {}, "zeros", explain("zeros")),
  );
}

// A line that computes nothing: a heading, a remark, the signature.
function lineOf({ kind, phase, number, code }) {
  if (kind === "heading") {
    const { sign } = phaseOf(phase);
    return h(
      "div",
      { class: `heading phase-${phase}` },
      h("h3", {}, h("span", { class: "sign", "aria-hidden": "true" }, sign), code),
      phase === "result" ? null : explain(phase),
    );
  }
  return h("div", { class: `line ${kind}` }, lineNumber(number), codeBlock(code));
}

// Code whose lines, where they are broken for want of room, hang behind their own beginning.
function codeBlock(code, link) {
  const lines = indentedLines(code).map(({ indent, text }) => h("span", { class: "code-line", style: { "--indent": String(indent) } }, colouredCode(text, link)));
  return h("code", {}, lines);
}

function lineNumber(number) {
  return h("span", { class: "number", "aria-hidden": "true" }, number);
}

// A row: click or Enter selects it, and the names in it open the lens.
function rowLine(app, { row, number, code }, isValue) {
  const { phase, targets } = app.state.program.rows[row];
  const open = (name) => {
    app.show({ row, target: name });
    app.reveal("lens");
  };
  const link = (name) => (isValue(name) ? valueButton(name, targets.includes(name), open) : null);
  const values = h("div", { class: "values" });
  const on = {
    click: (event) => event.target.closest("button, summary") || app.show({ row }),
    keydown(event) {
      if (event.key !== "Enter" || event.target !== event.currentTarget) return;
      app.show({ row });
      app.say(`Line ${number} selected`);
    },
  };
  const el = h(
    "div",
    { class: `line row phase-${phase}`, role: "group", tabindex: -1, on },
    unseen(`line ${number}: `),
    lineNumber(number),
    codeBlock(code, link),
    values,
  );
  return { el, values };
}

function valueButton(name, isTarget, open) {
  const on = { click: () => open(name) };
  const kind = isTarget ? "name is-target" : "name";
  return h("button", { type: "button", class: kind, tabindex: -1, "data-value": name, title: `Open ${name} in the lens`, on }, name);
}

function fillValues({ values }, { targets, phase }, step) {
  if (phase === "result") return;
  const lines = targets.map((name) => (step ? valueLine(step.statistics[name], targets.length > 1 ? name : "") : ""));
  fill(values, lines);
}

// Lights a row, makes it the one that Tab comes to, and keeps it in sight and the focus with it.
function lightRow(rows, current, box) {
  const hadFocus = rows.some(({ el }) => el === document.activeElement);
  rows.forEach(({ el }, i) => {
    const isCurrent = i === current;
    if (isCurrent) el.setAttribute("aria-current", "step");
    else el.removeAttribute("aria-current");
    el.tabIndex = isCurrent ? 0 : -1;
    for (const button of el.querySelectorAll("button.name")) button.tabIndex = isCurrent ? 0 : -1;
  });
  const el = rows[current]?.el;
  if (!el) return;
  if (hadFocus) el.focus({ preventScroll: true });
  keepInSight(el, box);
}

// Scrolls the box, never the page around it.
function keepInSight(el, box) {
  const [inner, outer] = [el.getBoundingClientRect(), box.getBoundingClientRect()];
  const room = Math.min(80, outer.height / 4);
  if (inner.top < outer.top + room) box.scrollTop += inner.top - outer.top - room;
  else if (inner.bottom > outer.bottom - room) box.scrollTop += inner.bottom - outer.bottom + room;
}

function lightNames(box, target) {
  for (const button of box.querySelectorAll("button.name")) {
    button.classList.toggle("is-shown", button.dataset.value === target);
  }
}

// The current row in words: where it belongs, and how long it took.
function rowInWords(row, step, index) {
  const { title, sign } = phaseOf(row.phase);
  const seconds = step?.seconds[index];
  const parts = [
    `line ${row.first}`,
    h("span", { class: `phase-${row.phase} tag` }, `${sign} ${title}`),
    row.part && `part ${row.part}`,
    row.op && `op ${row.op}`,
    seconds ? ["took ", formatSeconds(seconds), explain("seconds")] : null,
  ];
  return parts.filter(Boolean).flatMap((part, i) => (i ? [h("span", { class: "dot", "aria-hidden": "true" }, "·"), part] : [part]));
}

function around(title, text) {
  if (!text) return null;
  return h("details", { class: "around" }, h("summary", {}, title), h("pre", {}, h("code", {}, colouredCode(text))));
}

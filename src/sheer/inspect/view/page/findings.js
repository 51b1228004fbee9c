// What stands out: the first NaN or infinity of the step shown, and what the doctor found.

import { h, fill } from "./dom.js";
import { formatIndex } from "./format.js";

export function findingsList(app) {
  const list = h("ul", {});
  const el = h("section", { class: "findings", "aria-label": "Findings", hidden: true }, list);
  let shown = {};

  function update({ step }) {
    const { findings } = app.state;
    if (step === shown.step && findings === shown.findings) return;
    shown = { step, findings };
    const items = [firstFault(app, step), ...findings.map((finding) => findingItem(app, finding))].filter(Boolean);
    fill(list, items);
    el.hidden = !items.length;
  }

  return { el, title: "Findings", update };
}

function firstFault(app, step) {
  if (!step?.not_finite) return null;
  const { name, index } = step.not_finite;
  const show = () => {
    app.show({ target: name, cell: index });
    app.reveal("lens");
  };
  return h("li", {}, h("strong", { class: "fault" }, "⚠ "), "The first NaN or infinity of this step is in ", linkButton(`${name} ${formatIndex(index)}`, show), ".");
}

function findingItem(app, { title, text, line }) {
  const row = app.state.program.rows.findIndex(({ first, last }) => line >= first && line <= last);
  const go = row < 0 ? null : [" ", linkButton(`Line ${line}`, () => app.show({ row }))];
  return h("li", {}, h("strong", {}, title), h("p", { class: "told" }, text, go));
}

function linkButton(text, click) {
  return h("button", { type: "button", class: "link", on: { click } }, text);
}

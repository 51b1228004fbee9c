// The keyboard: one listener, the table of actions, and the dialog that lists them.

import { h, isOwnPage } from "./dom.js";
import { ACTIONS, perform } from "./actions.js";
import { recall, remember } from "./remember.js";

const NAMES = { ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };

// Listens in the whole document where the page is ours, and within the element in a notebook.
export function listenToKeys(app, root, help) {
  const place = isOwnPage(root) ? document : root;
  place.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (help.dialog.open || isTyping(event.target)) return;
    if (event.key === "?") return help.show();
    const action = ACTIONS.find(({ keys }) => keys.includes(event.key));
    if (!action || !help.areKeysOn() || isOwn(event)) return;
    event.preventDefault();
    perform(app, action);
  });
}

function isTyping(el) {
  return el.matches?.("select, textarea, input:not([type=checkbox], [type=radio], [type=range], [type=button])") || el.isContentEditable;
}

// Keys that the element under the focus needs itself: Space presses a button, arrows move a slider
// or a grid, and scroll the panels.
function isOwn({ key, target }) {
  if (key === " ") return Boolean(target.closest?.("button, summary, a, input, canvas"));
  if (!key.startsWith("Arrow")) return false;
  return Boolean(target.closest?.("input, canvas, table, [role=grid], [role=slider], [role=listbox], .panels"));
}

// The dialog of keys: {dialog, button, show, areKeysOn}.
export function helpDialog() {
  const on = h("input", { type: "checkbox", checked: recall("keys") !== "off", on: { change: keep } });
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": "Keys" },
    h("h2", {}, "Keys"),
    h("dl", {}, ACTIONS.map(keyEntry), h("div", {}, h("dt", {}, h("kbd", {}, "?")), h("dd", {}, "This list"))),
    h("p", {}, "At the end of the program, the next line is the first of the next recorded step, or of the next batch."),
    h("label", { class: "check" }, on, "Letters and arrows are keys of this page"),
    h("form", { method: "dialog" }, h("button", { class: "main" }, "Close")),
  );
  const show = () => dialog.showModal();
  const button = h("button", { type: "button", class: "ghost icon-only", "aria-label": "Keys", title: "Keys (?)", on: { click: show } }, "?");

  function keep() {
    remember("keys", on.checked ? "on" : "off");
  }

  return { dialog, button, show, areKeysOn: () => on.checked };
}

function keyEntry({ label, keys }) {
  const shown = keys.flatMap((key, i) => (i ? [" or ", h("kbd", {}, NAMES[key] ?? key)] : [h("kbd", {}, NAMES[key] ?? key)]));
  return h("div", {}, h("dt", {}, shown), h("dd", {}, label));
}

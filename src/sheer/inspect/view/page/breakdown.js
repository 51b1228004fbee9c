// What made one number: its formula, and its parts with their numbers, each of which leads on.

import { fill, h } from "./dom.js";
import { formatCount, formatNumber } from "./format.js";
import { formulaOf, placed } from "./formula.js";
import { largestTerms } from "./recipe.js";

const AT_ONCE = 8;
const FEW = 12;
const MORE = 50;
const DEEPEST = 6;

// The parts of a number, as `cell` answers them. `get` as for it; `go(name, index)` is called when
// the reader chooses one of the numbers.
export function breakdown(part, get, go) {
  const context = { get, go };
  if (part.terms) return h("div", { class: "parts" }, termsOf(part, context, true));
  if (part.parts)
    return h(
      "ul",
      { class: "parts" },
      part.parts.filter((p) => !isPlainNumber(p)).map((p) => partItem(p, context, 1)),
    );
  return h("ul", { class: "parts" }, partItem(part, context, 1));
}

// A number of a value, as a button that leads to it: z1[3, 17].
function cellButton(name, index, { go }) {
  return h("button", { type: "button", class: "cell-link", on: { click: () => go(name, index) } }, placed(name, index));
}

const isLeaf = (part) => !part.terms && !part.parts;
const isPlainNumber = (part) => isLeaf(part) && part.name === undefined;

function partItem(part, context, depth) {
  if (isPlainNumber(part)) return h("li", {}, leafLine(part, context));
  if (isLeaf(part)) return h("li", {}, leafLine(part, context));
  const inner = depth < DEEPEST ? innerOf(part, context, depth) : null;
  if (depth === 1 || part.terms || !inner) return h("li", {}, partLine(part, context), inner);
  return h("li", {}, h("details", {}, h("summary", {}, partLine(part, context)), inner));
}

function leafLine(part, context) {
  const label = part.name === undefined ? formulaText(part, context) : cellButton(part.name, part.index, context);
  const number = part.recipe.number === undefined ? [equals(), numberText(part.value)] : null;
  return h("div", { class: "part" }, label, number);
}

function partLine(part, context) {
  return h("div", { class: "part" }, h("code", {}, formulaText(part, context)), equals(), numberText(part.value));
}

const equals = () => h("span", { class: "equals" }, " = ");
const numberText = (value, digits = 4) => h("span", { class: "num" }, formatNumber(value, digits));
const formulaText = (part, { get }) => formulaOf(part.recipe, part.index, get);

function innerOf(part, context, depth) {
  if (part.terms) return termsOf(part, context, depth < 3 && !part.terms.byValue);
  return h(
    "ul",
    {},
    part.parts.filter((p) => !isPlainNumber(p)).map((p) => partItem(p, context, depth + 1)),
  );
}

// The terms of a sum: the largest in a table, and how many more there are.
function termsOf(part, context, isOpen) {
  const { terms } = part;
  const zeros = terms.values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  const summary = `${formatCount(terms.count)} ${terms.byValue ? "numbers" : "terms"}${
    zeros && !terms.byValue ? `, ${formatCount(zeros)} of them 0` : ""
  }; the largest first`;
  const body = h("div", {});
  const details = h("details", { class: "terms", open: isOpen }, h("summary", {}, summary), body);
  const show = (count) => fill(body, termsTable(part, context, count), moreTermsButton(terms.count, count, show));
  const showOnce = () => details.open && !body.firstChild && show(terms.count <= FEW ? FEW : AT_ONCE);
  details.addEventListener("toggle", showOnce);
  showOnce();
  return details;
}

function moreTermsButton(all, shown, show) {
  if (shown >= all) return null;
  const next = Math.min(all, shown + MORE);
  return h(
    "button",
    { type: "button", class: "ghost", on: { click: () => show(next) } },
    `Show ${formatCount(next - shown)} more`,
  );
}

function termsTable(part, context, count) {
  const largest = largestTerms(part.terms, count);
  const most = Math.max(...largest.map(({ value }) => Math.abs(value)).filter(Number.isFinite), 0);
  const rows = largest.map(({ k, value }) => termRow(part.terms.part(k), value, most, context));
  const isProduct = largest.length > 0 && factorsOf(part.terms.part(largest[0].k)) !== null;
  const head = isProduct ? ["Factor", "", "Factor", "", "Product"] : ["Term", "", "Value"];
  return h(
    "div",
    { class: "scroller", tabindex: 0, role: "group", "aria-label": "Terms" },
    h(
      "table",
      { class: "terms-table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((text) => h("th", { scope: "col" }, text)),
          h("th", { "aria-hidden": "true" }),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );
}

// The two factors of a term of a product of matrices; null where it is another term.
const factorsOf = (term) => (term.op === "*" && term.parts.every((p) => p.name !== undefined) ? term.parts : null);

function termRow(term, value, most, context) {
  const factors = factorsOf(term);
  const result = h("td", { class: "num" }, formatNumber(value, 4));
  const bar = h("td", { class: "bar-cell", "aria-hidden": "true" }, termBar(value, most));
  if (!factors) {
    const label =
      isLeaf(term) && term.name !== undefined
        ? cellButton(term.name, term.index, context)
        : h("code", {}, formulaText(term, context));
    return h("tr", {}, h("td", {}, label), h("td", { class: "sign" }, "="), result, bar);
  }
  const factor = (p) =>
    h("td", {}, cellButton(p.name, p.index, context), " ", h("span", { class: "num faint" }, formatNumber(p.value, 3)));
  return h(
    "tr",
    {},
    factor(factors[0]),
    h("td", { class: "sign" }, "×"),
    factor(factors[1]),
    h("td", { class: "sign" }, "="),
    result,
    bar,
  );
}

// A bar from the middle: to the left for what is negative, to the right for what is positive.
function termBar(value, most) {
  const share = most && Number.isFinite(value) ? Math.min(1, Math.abs(value) / most) : 0;
  const style = { width: `${50 * share}%`, left: value < 0 ? `${50 - 50 * share}%` : "50%" };
  return h("span", { class: "term-bar" }, h("span", { class: value < 0 ? "is-negative" : "is-positive", style }));
}

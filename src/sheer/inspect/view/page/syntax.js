// Light colouring of Python, enough for programs that sheer writes: comments, strings, numbers,
// keywords, and the names of values.

import { h } from "./dom.js";

const KEYWORDS = new Set(
  "and as assert def else for from if import in is lambda None not or return True False".split(" "),
);

const TOKEN = /(#.*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|((?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)/g;

// The pieces of a text: [{kind, text}], kind of "comment", "string", "name", "keyword", "number", "".
export function piecesOf(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) pieces.push({ kind: "", text: text.slice(end, match.index) });
    pieces.push({ kind: kindOf(match), text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ kind: "", text: text.slice(end) });
  return pieces;
}

function kindOf([text, comment, string, name]) {
  if (comment) return "comment";
  if (string) return "string";
  if (name) return KEYWORDS.has(text) ? "keyword" : "name";
  return "number";
}

// The text as nodes. `link(name)` may give a node for the name of a value, or null.
export function colouredCode(text, link = () => null) {
  return piecesOf(text).flatMap(({ kind, text: piece }) => {
    if (kind === "name") return linkedName(piece, link);
    return kind ? [h("span", { class: `code-${kind}` }, piece)] : [piece];
  });
}

// Of "dense.kernel.T" the part that names a value becomes a link, and the rest stays text.
function linkedName(name, link) {
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
    const node = link(name.slice(0, end));
    if (node) return [node, name.slice(end)];
  }
  return [name];
}

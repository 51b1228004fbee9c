// Making elements. All text goes in as text nodes: data never becomes markup.

const SVG = "http://www.w3.org/2000/svg";

// h("button", {class: "quiet", disabled: false, on: {click: go}}, "Go"): an HTML element.
// Of the attributes, `on` holds listeners and `style` an object of properties; true is an attribute
// without a value; false, null and undefined are left out. Children may be nested in arrays.
export function h(tag, attributes, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

// The same for a part of a drawing: s("svg", {viewBox: "0 0 10 10"}, s("path", {d: "M0 0"})).
export function s(tag, attributes, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(el, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(el, name, value);
  el.append(...nodesOf(children));
  return el;
}

// Gives an element an attribute, as h() does; false, null and undefined take it away.
export function setAttribute(el, name, value) {
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) el.addEventListener(event, listener);
  } else if (name === "style") {
    for (const [property, text] of Object.entries(value)) el.style.setProperty(property, text);
  } else if (value === false || value === null || value === undefined) {
    el.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (el.getAttribute(name) !== text) el.setAttribute(name, text);
  }
}

function nodesOf(children) {
  const kept = children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);
  return kept.map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

// Puts these children into an element in place of those that it has.
export function fill(el, ...children) {
  el.replaceChildren(...nodesOf(children));
  return el;
}

// Writes a text into an element, if it is another: an unchanged one is not read out again.
export function write(el, text) {
  if (el.textContent !== String(text)) el.textContent = String(text);
  return el;
}

// Text for screen readers alone.
export function unseen(...children) {
  return h("span", { class: "unseen" }, ...children);
}

// A design token as a colour that a canvas understands, in the present theme:
// colourOf(canvas, "--forward"). The element must be in the page.
export function colourOf(el, token) {
  const probe = h("span", { hidden: true, style: { color: `var(${token})` } });
  el.parentNode.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

// Whether the window is the page's own, and not a notebook's.
export function isOwnPage(root) {
  return root.hasAttribute("data-sheer-page");
}

// Whether the reader asked for less movement.
export function wantsCalm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

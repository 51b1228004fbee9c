// Numbers, shapes and shares as text, the same everywhere on the page.

// The number that JSON holds: NaN and the infinities come as the strings "nan", "inf" and "-inf".
export function realNumber(value) {
  if (value === null || value === undefined) return NaN;
  if (typeof value === "number") return value;
  return { nan: NaN, inf: Infinity, "-inf": -Infinity }[value] ?? Number(value);
}

// A number with about so many significant digits: 0.031, −2.1, 1.2e−5, 12,345.
export function formatNumber(value, digits = 3) {
  const number = realNumber(value);
  if (Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
  if (number === 0) return "0";
  return withMinus(rounded(number, digits));
}

function rounded(number, digits) {
  const size = Math.abs(number);
  if (Number.isInteger(number) && size < 1e7) return number.toLocaleString("en");
  if (size < 1e-3 || size >= 1e6) return shortExponent(number.toExponential(Math.max(0, digits - 2)));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return number.toLocaleString("en", { maximumFractionDigits: decimals });
}

function shortExponent(text) {
  return text.replace("e+", "e");
}

function withMinus(text) {
  return text.replace(/-/g, "−");
}

// A count, with commas: 60,000.
export function formatCount(value) {
  return Number(value).toLocaleString("en");
}

// A shape: 128 × 512; "a number" where there is none.
export function formatShape(shape) {
  return shape.length ? shape.map(formatCount).join(" × ") : "a number";
}

// A share of all: 51%, and never 0% for what is there, nor 100% for what is not all.
export function formatShare(share) {
  const percent = realNumber(share) * 100;
  if (Number.isNaN(percent)) return "NaN";
  if (percent > 0 && percent < 1) return "<1%";
  if (percent < 100 && percent > 99) return ">99%";
  return `${Math.round(percent)}%`;
}

// A time: 3.1 ms, 12 µs, 2.4 s.
export function formatSeconds(seconds) {
  if (seconds >= 1) return `${formatNumber(seconds, 2)} s`;
  if (seconds >= 1e-3) return `${formatNumber(seconds * 1e3, 2)} ms`;
  return `${formatNumber(seconds * 1e6, 2)} µs`;
}

// "1 row", "3 rows".
export function formatPlural(number, word) {
  return `${formatCount(number)} ${word}${number === 1 ? "" : "s"}`;
}

// A place in an array: [3, 17].
export function formatIndex(index) {
  return `[${index.join(", ")}]`;
}

// A small histogram as a drawing: one path for the bars, a hair line at zero.

import { s } from "./dom.js";
import { formatNumber, realNumber } from "./format.js";

// Of {low, high, counts}; `width` and `height` in pixels; its colour is the text's.
export function smallHistogram(histogram, width = 72, height = 20) {
  const { counts } = histogram;
  const [low, high] = [realNumber(histogram.low), realNumber(histogram.high)];
  const label = `histogram from ${formatNumber(low)} to ${formatNumber(high)}`;
  return s(
    "svg",
    { class: "histogram", width, height, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    s("path", { class: "bars", d: barsPath(counts, width, height) }),
    zeroMark(low, high, width, height),
  );
}

// Heights go by the root of the counts, so that a bar of few is still seen beside one of many.
export function barsPath(counts, width, height) {
  const most = Math.sqrt(Math.max(1, ...counts));
  const step = width / counts.length;
  const gap = step > 2.5 ? 0.5 : 0;
  return counts
    .map((count, i) => {
      if (!count) return "";
      const bar = Math.max(1, (Math.sqrt(count) / most) * (height - 1));
      const x = (i * step).toFixed(2);
      return `M${x} ${height}v${-bar.toFixed(2)}h${(step - gap).toFixed(2)}v${bar.toFixed(2)}z`;
    })
    .join("");
}

function zeroMark(low, high, width, height) {
  if (!(low < 0 && high > 0)) return null;
  const x = (-low / (high - low)) * width;
  return s("path", { class: "zero", d: `M${x.toFixed(2)} 0V${height}` });
}

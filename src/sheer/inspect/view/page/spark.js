// A small line over the recorded steps, with a band around it and the shown step marked.

import { s } from "./dom.js";
import { realNumber } from "./format.js";

const [SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN] = [220, 44, 4];

// Of {values, spread, chosen, isLog, label}: `spread` are how far the band goes up and down from
// each value; `chosen` is the place of the shown step; values that are not finite leave a gap.
export function sparkline({ values, spread, chosen, isLog, label }) {
  const line = values.map((value) => scaledValue(value, isLog));
  const bands = spread
    ? values.map((value, k) => [value - (realNumber(spread[k]) || 0), value + (realNumber(spread[k]) || 0)])
    : [];
  const all = [...line, ...bands.flat()].filter(Number.isFinite);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (k) =>
    SPARK_MARGIN + (values.length < 2 ? 0.5 : k / (values.length - 1)) * (SPARK_WIDTH - 2 * SPARK_MARGIN);
  const y = (value) =>
    SPARK_HEIGHT -
    SPARK_MARGIN -
    ((value - low) / (high - low || 1)) * (SPARK_HEIGHT - 2 * SPARK_MARGIN) -
    (high > low ? 0 : SPARK_HEIGHT / 2 - SPARK_MARGIN);
  const isThere = chosen >= 0 && Number.isFinite(line[chosen]);
  return s(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`,
      role: "img",
      "aria-label": label,
      preserveAspectRatio: "none",
    },
    bands.length ? s("path", { class: "spark-band", d: bandPath(bands, x, y) }) : null,
    chosen >= 0 ? s("line", { class: "spark-now", x1: x(chosen), x2: x(chosen), y1: 0, y2: SPARK_HEIGHT }) : null,
    s("path", { class: "spark-line", d: linePath(line, x, y) }),
    isThere ? s("circle", { class: "spark-dot", cx: x(chosen), cy: y(line[chosen]), r: 3 }) : null,
  );
}

const scaledValue = (value, isLog) => {
  const number = realNumber(value);
  return isLog ? (number > 0 ? Math.log10(number) : NaN) : number;
};

function linePath(values, x, y) {
  let isDrawing = false;
  return values
    .map((value, k) => {
      const command = isDrawing ? "L" : "M";
      isDrawing = Number.isFinite(value);
      return isDrawing ? `${command}${x(k).toFixed(1)} ${y(value).toFixed(1)}` : "";
    })
    .join("");
}

function bandPath(bands, x, y) {
  const places = bands.map((_, k) => k).filter((k) => bands[k].every(Number.isFinite));
  const point = (k, side) => `${x(k).toFixed(1)} ${y(bands[k][side]).toFixed(1)}`;
  const around = [...places.map((k) => point(k, 1)), ...places.toReversed().map((k) => point(k, 0))];
  return around.length ? `M${around.join("L")}z` : "";
}

// The signs on buttons, as line drawings of 16 by 16.

import { s } from "./dom.js";

const PATHS = {
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  phase: "M3 4h10M3 8h6M8 9v5M5.5 11.5 8 14l2.5-2.5",
  left: "M10 3 5 8l5 5",
  right: "m6 3 5 5-5 5",
  batch: "M3 3v10l6-5zM12 3v10",
  epoch: "M2 3v10l5-5zM7 3v10l5-5zM14 3v10",
  run: "M4 2.5v11l9-5.5z",
  pause: "M5 3v10M11 3v10",
  record: "M8 4.5a3.5 3.5 0 1 0 .01 0z",
  until: "M3 8h7M7 4l4 4-4 4M13.5 3v10",
  sun: "M8 5a3 3 0 1 0 .01 0zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  more: "M3 8h.01M8 8h.01M13 8h.01",
};

export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, s("path", { d: PATHS[name] }));
}

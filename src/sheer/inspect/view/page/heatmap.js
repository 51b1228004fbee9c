// A heat map on a canvas: a matrix, or a window of it, one cell of which is chosen.

import { h } from "./dom.js";
import { formatNumber } from "./format.js";
import { cssColour, heatColours, paintNumber } from "./palette.js";

const TALLEST = 340;
const LARGEST_CELL = { width: 56, height: 34 };

// {el, draw(map)}; draw answers what is in sight, as {top, left, rows, columns}. A map is
//   rows, columns   of the whole matrix
//   at(row, column) a number of it
//   key             another for other numbers
//   chosen          [row, column], or null
//   zoom            how many times larger than the whole, from 1 on
//   limit           where the colours end
//   square          whether cells are as wide as they are high (an image)
// `move(row, column)` is called with the cell that a pointer or an arrow key chooses, and `enter()`
// when Enter is pressed on it.
export function heatmap({ move, enter }) {
  const canvas = h("canvas", { class: "heatmap", tabindex: 0, role: "application", "aria-label": "Heat map" });
  const el = h("div", { class: "heat" }, canvas);
  const kept = {}; // the last picture, as long as only the chosen cell is another
  let [map, pane] = [null, null];

  const draw = (next) => {
    if (next) map = next;
    if (!map || !el.clientWidth) return null;
    pane = paneOf(map, el.clientWidth);
    canvas.setAttribute("aria-label", map.label ?? "");
    paint(canvas, map, pane, kept);
    return pane;
  };
  const go = (row, column) => {
    const inside = (place, size) => Math.max(0, Math.min(size - 1, place));
    move(inside(row, map.rows), inside(column, map.columns));
  };

  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * pane.columns;
    const down = ((event.clientY - box.top) / box.height) * pane.rows;
    go(pane.top + Math.floor(down), pane.left + Math.floor(across));
  });
  canvas.addEventListener("keydown", (event) => {
    if (!map || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 10 : 1;
    const [row, column] = map.chosen ?? [0, 0];
    const places = {
      ArrowUp: [row - far, column],
      ArrowDown: [row + far, column],
      ArrowLeft: [row, column - far],
      ArrowRight: [row, column + far],
      Home: [row, 0],
      End: [row, map.columns - 1],
    };
    if (event.key === "Enter") enter();
    else if (places[event.key]) go(...places[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  new ResizeObserver(() => draw()).observe(el);
  return { el, canvas, draw };
}

// Which rows and columns are in sight, and how large on the screen.
function paneOf(map, width) {
  const columns = Math.max(1, Math.round(map.columns / map.zoom));
  const across = Math.min(width, columns * (map.square ? LARGEST_CELL.height : LARGEST_CELL.width));
  const cell = across / columns;
  const high = map.rows === 1 ? 28 : map.square ? cell : Math.min(LARGEST_CELL.height, Math.max(cell, 6));
  const fitting = map.square ? 0 : Math.min(map.rows, Math.floor(TALLEST / high));
  const rows = Math.max(1, fitting, Math.round(map.rows / map.zoom));
  const down = Math.max(16, Math.min(TALLEST, rows * high));
  const [row, column] = map.chosen ?? [0, 0];
  const start = (place, size, all) => Math.max(0, Math.min(all - size, place - Math.floor(size / 2)));
  return {
    top: start(row, rows, map.rows),
    left: start(column, columns, map.columns),
    rows,
    columns,
    width: map.square ? Math.min(across, (down / rows) * columns) : across,
    height: down,
  };
}

function paint(canvas, map, pane, kept) {
  const sharp = Math.min(3, globalThis.devicePixelRatio || 1);
  canvas.width = Math.round(pane.width * sharp);
  canvas.height = Math.round(pane.height * sharp);
  canvas.style.width = `${pane.width}px`;
  canvas.style.height = `${pane.height}px`;
  const colours = heatColours(canvas);
  const brush = canvas.getContext("2d");
  brush.imageSmoothingEnabled = false;
  const key = [
    map.key,
    pane.top,
    pane.left,
    pane.rows,
    pane.columns,
    canvas.width,
    canvas.height,
    colours.theme,
  ].join();
  if (!kept.picture || kept.key !== key) Object.assign(kept, { key, picture: blocks(map, pane, canvas, colours) });
  brush.drawImage(kept.picture, 0, 0, canvas.width, canvas.height);
  const [wide, high] = [canvas.width / pane.columns, canvas.height / pane.rows];
  if (!map.square && wide >= 12 * sharp && high >= 8 * sharp) paintGrid(brush, canvas, wide, high, colours, sharp);
  if (wide >= 46 * sharp && high >= 16 * sharp) paintNumbers(brush, map, pane, [wide, high], colours, sharp);
  if (map.chosen) paintChosen(brush, map, pane, [wide, high], colours, sharp);
}

// The picture with a pixel for each cell; where there are more cells than pixels of the screen, a
// pixel for each block of them, in the colour of the number of the greatest size there.
function blocks(map, pane, { width, height }, colours) {
  const [across, down] = [Math.min(pane.columns, width), Math.min(pane.rows, height)];
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [across, down];
  const brush = picture.getContext("2d");
  const image = brush.createImageData(across, down);
  const edge = (k, parts, size) => Math.floor((k * size) / parts);
  for (let i = 0; i < down; i += 1) {
    const rows = [pane.top + edge(i, down, pane.rows), pane.top + edge(i + 1, down, pane.rows)];
    for (let j = 0; j < across; j += 1) {
      const columns = [pane.left + edge(j, across, pane.columns), pane.left + edge(j + 1, across, pane.columns)];
      paintNumber(image, i * across + j, strongestOf(map, rows, columns), map.limit, colours);
    }
  }
  brush.putImageData(image, 0, 0);
  return picture;
}

function strongestOf(map, [top, bottom], [left, right]) {
  let found = 0;
  for (let row = top; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1) {
      const value = map.at(row, column);
      if (Number.isNaN(value)) return value;
      if (Math.abs(value) > Math.abs(found)) found = value;
    }
  }
  return found;
}

function paintGrid(brush, canvas, wide, high, colours, sharp) {
  brush.fillStyle = cssColour(colours.none);
  for (let x = wide; x < canvas.width - 1; x += wide) brush.fillRect(Math.round(x), 0, sharp, canvas.height);
  for (let y = high; y < canvas.height - 1; y += high) brush.fillRect(0, Math.round(y), canvas.width, sharp);
}

function paintNumbers(brush, map, pane, [wide, high], colours, sharp) {
  brush.font = `${11 * sharp}px system-ui, sans-serif`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  for (let i = 0; i < pane.rows; i += 1) {
    for (let j = 0; j < pane.columns; j += 1) {
      const value = map.at(pane.top + i, pane.left + j);
      const isStrong = Math.abs(value) > 0.55 * map.limit || !Number.isFinite(value);
      brush.fillStyle = cssColour(isStrong ? colours.other : colours.text);
      brush.fillText(formatNumber(value, 2), (j + 0.5) * wide, (i + 0.5) * high);
    }
  }
}

// A frame round the chosen cell, never smaller than can be seen, and lines that lead to it.
function paintChosen(brush, map, pane, [wide, high], colours, sharp) {
  const [row, column] = [map.chosen[0] - pane.top, map.chosen[1] - pane.left];
  if (row < 0 || column < 0 || row >= pane.rows || column >= pane.columns) return;
  const least = 9 * sharp;
  const [across, down] = [Math.max(wide, least), Math.max(high, least)];
  const place = (start, size, most) => Math.max(sharp, Math.min(most - size - sharp, start));
  const x = place((column + 0.5) * wide - across / 2, across, brush.canvas.width);
  const y = place((row + 0.5) * high - down / 2, down, brush.canvas.height);
  brush.lineWidth = 4 * sharp;
  brush.strokeStyle = cssColour(colours.none);
  brush.strokeRect(x, y, across, down);
  brush.lineWidth = 2 * sharp;
  brush.strokeStyle = cssColour(colours.mark);
  brush.strokeRect(x, y, across, down);
}

// A pad to draw on with a pointer, as an image of the data.

import { h } from "./dom.js";
import { centredImage, shrunk } from "./digit.js";
import { cssColour, heatColours } from "./palette.js";
import { paintImage } from "./picture.js";

// The drawing is kept this fine; strokes are so many pixels of an MNIST image wide.
const FINE = 224;
const STROKE = 2.6;

// {el, clear(), take(numbers), numbers(), isEmpty()} for images of {height, width, channels} whose
// numbers go from `low` to `high`; `changed` is called while one draws.
export function drawingPad(image, { low, high }, changed) {
  const under = h("canvas", { hidden: true });
  const canvas = h("canvas", {
    class: "pad",
    width: FINE,
    height: FINE,
    role: "img",
    "aria-label": "A field to draw in with a pointer or a finger. By keyboard, take a row of the batch below.",
  });
  const ink = document.createElement("canvas");
  [ink.width, ink.height] = [FINE, FINE];
  const brush = ink.getContext("2d", { willReadFrequently: true });
  let [base, isEmpty, last, isDue] = [null, true, null, false];

  function start(event) {
    if (event.button > 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = placeOf(event);
    line(last, last);
  }

  function draw(event) {
    if (!last) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      const next = placeOf(one);
      line(last, next);
      last = next;
    }
  }

  const stop = () => (last = null);
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * FINE, ((event.clientY - box.top) / box.height) * FINE];
  };

  function line(from, to) {
    Object.assign(brush, { lineWidth: (STROKE * FINE) / 28, lineCap: "round", lineJoin: "round" });
    brush.beginPath();
    brush.moveTo(...from);
    brush.lineTo(to[0] + 0.01, to[1]);
    brush.stroke();
    isEmpty = false;
    soon();
  }

  // Shows and tells once a frame, however often the pointer moves in it.
  function soon() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      show();
      changed();
    });
  }

  // The strokes as numbers from 0 to 1.
  function strokes() {
    const { data } = brush.getImageData(0, 0, FINE, FINE);
    return Float64Array.from({ length: FINE * FINE }, (_, k) => data[4 * k + 3] / 255);
  }

  // What the model gets: the drawing cut out and centred; over a row of the batch, as it stands.
  function numbers() {
    const drawn = base
      ? shrunk(strokes(), FINE, { top: 0, left: 0, height: FINE, width: FINE }, image)
      : centredImage(strokes(), FINE, image);
    const size = image.height * image.width * image.channels;
    return Float64Array.from({ length: size }, (_, k) => {
      const stroke = low + (high - low) * drawn[Math.floor(k / image.channels)];
      return base ? Math.max(base[k], stroke) : stroke;
    });
  }

  // The pad shows the strokes as they were drawn, over the row that was taken.
  function show() {
    const { none, text } = heatColours(canvas);
    const paper = canvas.getContext("2d");
    paper.fillStyle = cssColour(none);
    paper.fillRect(0, 0, FINE, FINE);
    if (base) paintImage(under, image, (k) => base[k], low, high);
    paper.imageSmoothingEnabled = false;
    if (base) paper.drawImage(under, 0, 0, FINE, FINE);
    brush.globalCompositeOperation = "source-in"; // the strokes in the colour of the theme
    brush.fillStyle = cssColour(text);
    brush.fillRect(0, 0, FINE, FINE);
    brush.globalCompositeOperation = "source-over";
    paper.drawImage(ink, 0, 0);
  }

  function reset(row) {
    brush.clearRect(0, 0, FINE, FINE);
    [base, isEmpty] = [row, !row];
    show();
    changed();
  }

  canvas.addEventListener("pointerdown", start);
  canvas.addEventListener("pointermove", draw);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(end, stop);
  return {
    el: h("div", {}, canvas, under),
    show,
    numbers,
    clear: () => reset(null),
    take: (row) => reset(row),
    isEmpty: () => isEmpty,
  };
}

// The curves as tables of numbers and as a sentence: pure functions.

import { formatNumber, realNumber } from "./format.js";

const LOSS = /(^|_)loss$/;

// The plots to draw: [{title, unit, height, series: [{label, kind, points: [[x...], [y...]]}]}].
// x counts epochs: 1.5 is the middle of the second. kind: "running" (the mean as fit reports it),
// "batch" (one batch, at a recorded step), "end" (of an epoch), "validation".
export function plotsOf({ curves, epochs, steps, status }) {
  const names = Object.keys(curves.series).filter((name) => name !== "batch_loss" && name !== "learning_rate");
  const losses = names.filter((name) => LOSS.test(name));
  const others = names.filter((name) => !LOSS.test(name));
  const plots = [
    {
      title: "Loss",
      height: 190,
      series: [{ label: "batch", kind: "batch", points: batchPoints(steps, status) }, ...losses.flatMap((name) => seriesOf(name, curves, epochs))],
    },
    ...others.map((name) => ({ title: capitalized(name), height: 150, series: seriesOf(name, curves, epochs) })),
  ];
  if (curves.series.learning_rate) {
    const points = [curves.epoch, numbers(curves.series.learning_rate)];
    plots.push({ title: "Learning rate", height: 100, term: "learning_rate", series: [{ label: "learning rate", kind: "rate", points }] });
  }
  return plots.map((plot) => ({ ...plot, series: plot.series.filter(({ points }) => points[0].length) }));
}

function seriesOf(name, curves, epochs) {
  const ends = (key) => [epochs.epoch, numbers(epochs.series[key] ?? [])];
  const has = (key) => key in epochs.series;
  return [
    { label: name, kind: "running", points: runningPoints(curves, name) },
    has(name) && { label: `${name}, end of epoch`, kind: "end", points: ends(name) },
    has(`val_${name}`) && { label: `val_${name}`, kind: "validation", points: ends(`val_${name}`) },
  ].filter(Boolean);
}

// A running mean starts afresh at each epoch: a null between two breaks its line there.
function runningPoints({ epoch, series }, name) {
  const [xs, ys] = [[], []];
  let before = null;
  epoch.forEach((x, i) => {
    const y = finiteOrNull(series[name][i]);
    if (y === null) return;
    if (before !== null && Math.ceil(before - 1e-9) !== Math.ceil(x - 1e-9)) {
      xs.push((before + x) / 2);
      ys.push(null);
    }
    xs.push(x);
    ys.push(y);
    before = x;
  });
  return [xs, ys];
}

function batchPoints(steps, status) {
  return [steps.map((step) => epochsAt(step, status)), steps.map((step) => finiteOrNull(step.loss))];
}

// How many epochs there were before a step.
export function epochsAt(step, { batches }) {
  return step.epoch + step.batch / (batches || 1);
}

function numbers(values) {
  return values.map(finiteOrNull);
}

function finiteOrNull(value) {
  const number = realNumber(value);
  return Number.isFinite(number) ? number : null;
}

function capitalized(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

// The curves in a sentence or two, for those who do not see them.
export function curvesInWords({ curves, epochs }) {
  const { learning_rate: _, batch_loss: __, ...shown } = curves.series;
  const told = Object.entries({ ...shown, ...validationOf(epochs) }).map(([name, values]) => courseOf(name, values));
  return told.filter(Boolean).join(" ") || "No batch has run yet.";
}

function validationOf(epochs) {
  return Object.fromEntries(Object.entries(epochs.series).filter(([name]) => name.startsWith("val_")));
}

function courseOf(name, values) {
  const known = numbers(values).filter((value) => value !== null);
  if (!known.length) return "";
  const [first, last] = [known[0], known.at(-1)];
  const [from, to] = [formatNumber(first), formatNumber(last)];
  if (from === to) return `${name} ${known.length === 1 ? "is" : "stayed near"} ${to}.`;
  return `${name} ${last < first ? "fell" : "rose"} from ${from} to ${to}.`;
}

// A prediction for one row: by the live model, or in an exported file by the recipes of the program.

import { evaluate, gapsIn, recipeNames } from "./recipe.js";
import { sizeOf } from "./operations.js";

// The inputs of the predict program, with their shapes: [{name, shape, image}].
export function predictInputs(state) {
  const { inputs, input } = state.predict_program;
  const names = inputs ?? (input ? [input] : state.data.inputs.map(({ name }) => name));
  return names.map((name, k) => ({ ...(state.data.inputs.find((one) => one.name === name) ?? state.data.inputs[k]), name }));
}

// Of {name: numbers} for each input: a Promise of {outputs: {name: numbers}, values: {name: {shape, data}}}.
export function predicted(app, rows) {
  return app.live ? predictedLive(app, rows) : predictedHere(app, rows);
}

async function predictedLive(app, rows) {
  const plain = Object.fromEntries(Object.entries(rows).map(([name, numbers]) => [name, Array.from(numbers)]));
  return app.source.command("predict", { x: plain });
}

async function predictedHere(app, rows) {
  const lines = app.state.predict_program.rows.filter((row) => row.recipes && row.phase !== "result" && !/^return\b/.test(row.source));
  const values = new Map(predictInputs(app.state).map(({ name, shape }) => [name, { shape: [1, ...shape], data: rows[name] }]));
  await fetchState(app, lines, values);
  const get = (name) => {
    if (!values.has(name)) throw new Error(`The page has no value ${name}.`);
    return values.get(name);
  };
  for (const { targets, recipes } of lines) for (const name of targets) values.set(name, evaluate(recipes[name], get));
  const { outputs } = app.state.predict_program;
  const isMade = lines.flatMap(({ targets }) => targets);
  return {
    outputs: Object.fromEntries(outputs.map((name) => [name, Array.from(values.get(name).data)])),
    values: Object.fromEntries(isMade.map((name) => [name, values.get(name)])),
  };
}

// The weights and other state that the lines read, of the step shown.
async function fetchState(app, lines, values) {
  const isMade = new Set(lines.flatMap(({ targets }) => targets));
  const needed = new Set(lines.flatMap(({ recipes }) => Object.values(recipes).flatMap(recipeNames)));
  const names = [...needed].filter((name) => !isMade.has(name) && !values.has(name));
  const tensors = await Promise.all(names.map((name) => app.tensor(name)));
  names.forEach((name, k) => values.set(name, tensors[k]));
  const sizes = [...values.values()].filter(({ shape, data }) => sizeOf(shape) !== data.length);
  if (sizes.length) throw new Error("The numbers given do not fit the shape of the input.");
}

// Why nothing can be predicted here; empty where it can.
export function whyNoPrediction(app) {
  if (app.live) return "";
  if (!app.view.step) return "No step is recorded yet.";
  const lines = app.state.predict_program.rows.filter((row) => !/^return\b/.test(row.source));
  const gaps = lines.flatMap(({ source, recipes }) => Object.values(recipes ?? {}).flatMap((recipe) => (gapsIn(recipe).length ? [source] : [])));
  if (gaps.length) return `This exported page cannot compute by itself: ${gaps[0]}. A live page can: sheer view, or callbacks.View().`;
  const isMade = new Set(lines.flatMap(({ targets }) => targets));
  const needed = new Set(lines.flatMap(({ recipes }) => Object.values(recipes ?? {}).flatMap(recipeNames)));
  const known = new Set([...predictInputs(app.state).map(({ name }) => name), ...app.view.step.tensors]);
  const missing = [...needed].filter((name) => !isMade.has(name) && !known.has(name));
  return missing.length ? `The numbers of ${missing.join(", ")} were not kept for this step.` : "";
}

// A prediction for one row: by the live model, or in an exported file by the recipes of the program.

import { evaluate, gapsIn, recipeNames } from "./recipe.js";
import { sizeOf } from "./operations.js";

// The inputs of the predict program, with their shapes: [{name, shape, image}].
export function predictInputs(state) {
  const { inputs, input } = state.predict_program;
  const names = inputs ?? (input ? [input] : state.data.inputs.map(({ name }) => name));
  return names.map((name, k) => ({
    ...(state.data.inputs.find((one) => one.name === name) ?? state.data.inputs[k]),
    name,
  }));
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
  const lines = linesOf(app.state);
  const values = new Map(
    predictInputs(app.state).map(({ name, shape }) => [name, { shape: [1, ...shape], data: rows[name] }]),
  );
  const step = predictStep(app);
  const names = stateNames(app.state);
  const tensors = await Promise.all(
    names.map((name) => (step === app.view.step ? app.tensor(name) : app.source.tensor(step.id, name))),
  );
  names.forEach((name, k) => values.set(name, tensors[k]));
  if ([...values.values()].some(({ shape, data }) => sizeOf(shape) !== data.length))
    throw new Error("The numbers given do not fit the shape of the input.");
  const get = (name) => {
    if (!values.has(name)) throw new Error(`The page has no value ${name}.`);
    return values.get(name);
  };
  for (const { targets, recipes } of lines) for (const name of targets) values.set(name, evaluate(recipes[name], get));
  const { outputs } = app.state.predict_program;
  const made = lines.flatMap(({ targets }) => targets);
  return {
    outputs: Object.fromEntries(outputs.map((name) => [name, Array.from(values.get(name).data)])),
    values: Object.fromEntries(made.map((name) => [name, values.get(name)])),
  };
}

const linesOf = (state) => state.predict_program.rows.filter((row) => row.targets.length && row.phase !== "result");

// What the lines read that is neither given nor made by them: weights and other state.
function stateNames(state) {
  const lines = linesOf(state);
  const made = new Set([...predictInputs(state).map(({ name }) => name), ...lines.flatMap(({ targets }) => targets)]);
  const read = new Set(lines.flatMap(({ recipes }) => Object.values(recipes ?? {}).flatMap(recipeNames)));
  return [...read].filter((name) => !made.has(name));
}

// The step whose weights predict: the one shown, or where those were not kept the latest that has them.
export function predictStep(app) {
  const names = stateNames(app.state);
  const hasAll = (step) => step && names.every((name) => step.tensors.includes(name));
  return hasAll(app.view.step) ? app.view.step : app.state.steps.findLast(hasAll);
}

// Why nothing can be predicted here; empty where it can.
export function whyNoPrediction(app) {
  if (!linesOf(app.state).length) return "This model has no call(): it predicts nothing.";
  if (app.live) return "";
  if (!app.view.step) return "No step is recorded yet.";
  const unknown = linesOf(app.state).find(
    ({ recipes }) => !recipes || Object.values(recipes).some((recipe) => gapsIn(recipe).length),
  );
  if (unknown)
    return `This exported page cannot compute by itself: ${unknown.source}. A live page can: sheer view, or callbacks.View().`;
  return predictStep(app) ? "" : "The weights were not kept in this file.";
}

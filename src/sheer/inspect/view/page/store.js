// The app that every panel gets: the State, what is looked at (the view), and the ways to change it.

import { rowOf } from "./moves.js";

// This many arrays are kept, newest last; a layer's kernel is 1 to 10 MB.
const KEPT_TENSORS = 32;

// app.state     the State, kept up to date
// app.view      {step, row, target, index, theme}: the step (a StepSummary or null), the index of
//               the row, the name of the value in the lens, the cell there ([] for none)
// app.show({step, row, target, cell})   moves the view; step an id
// app.tensor(name)                      Promise of the array in the step shown
// app.command(name, args)               Promise of the answer; failures are also shown
// app.say(text)                         tells screen readers, politely
// app.onChange(f)                       f(view) after each change, once a frame
export function createApp(source, state, shown) {
  const listeners = new Set();
  const tensors = new Map();
  let isAwaited = false;

  const app = {
    source,
    state,
    view: { step: state.steps.at(-1) ?? null, row: 0, target: null, index: [], theme: "" },
    live: source.live,
    busy: null, // the command that is under way
    followNext: false, // whether the next step that comes is looked at from its first row

    onChange: (listener) => listeners.add(listener),

    changed() {
      if (isAwaited) return;
      isAwaited = true;
      requestAnimationFrame(() => {
        isAwaited = false;
        for (const listener of listeners) listener(app.view);
      });
    },

    show(change) {
      app.view = viewAfter(app.state, app.view, change);
      app.changed();
    },

    tensor(name) {
      const { step } = app.view;
      if (!step) return Promise.reject(new Error("No step is recorded yet."));
      const key = `${step.id} ${name}`;
      const kept = tensors.get(key) ?? source.tensor(step.id, name);
      tensors.delete(key);
      tensors.set(key, kept);
      kept.catch(() => tensors.delete(key));
      if (tensors.size > KEPT_TENSORS) tensors.delete(tensors.keys().next().value);
      return kept;
    },

    async command(name, args = {}) {
      app.busy = name;
      shown.error("");
      app.changed();
      try {
        return await source.command(name, args);
      } catch (error) {
        shown.error(error.message);
        throw error;
      } finally {
        app.busy = null;
        app.changed();
      }
    },

    say: shown.say,

    patch(change) {
      const isAtEnd = app.view.step === (app.state.steps.at(-1) ?? null);
      const { steps: all = [], forgotten = [], ...parts } = change;
      const known = new Set(app.state.steps.map((step) => step.id));
      const steps = all.filter((step) => !known.has(step.id));
      Object.assign(app.state, parts);
      for (const step of app.state.steps) if (forgotten.includes(step.id)) step.tensors = [];
      if (steps.length) {
        app.state.steps = [...app.state.steps, ...steps];
        if (isAtEnd || app.followNext) {
          app.show({ step: steps.at(-1).id, ...(app.followNext ? { row: 0 } : {}) });
          app.followNext = false;
        }
      }
      app.changed();
    },
  };
  app.view = viewAfter(state, app.view, { row: 0 });
  return app;
}

// The view after a change: a target takes its row along, and a row its first target.
export function viewAfter(state, view, { step, row, target, cell, theme }) {
  const { rows } = state.program;
  const next = { ...view };
  if (theme !== undefined) next.theme = theme;
  if (step !== undefined) next.step = state.steps.find((s) => s.id === step) ?? view.step;
  if (target !== undefined) {
    next.target = target;
    next.row = row ?? rowOf(rows, target) ?? view.row;
  } else if (row !== undefined) {
    next.row = Math.max(0, Math.min(row, rows.length - 1));
    next.target = firstValue(next.step, rows[next.row]) ?? view.target;
  }
  if (next.target !== view.target) next.index = [];
  if (cell !== undefined) next.index = cell;
  return next;
}

// The first value of a row that is an array; before a step is recorded, just the first.
function firstValue(step, row) {
  return row?.targets.find((name) => !step || name in step.statistics);
}

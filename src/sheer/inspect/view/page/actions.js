// What one can do, in one table: the buttons, the keys and the help all read it.

import { nextPhaseRow, rowAfter, stepAfter } from "./moves.js";

// {name, label, icon, keys, group, does(app)}. `keys` are those of KeyboardEvent.key; `needs` of a
// live page: "paused" (waiting before a batch) or "unfinished" (running too).
export const ACTIONS = [
  { name: "previousLine", label: "Previous line", short: "Line", icon: "up", keys: ["ArrowUp", "k"], group: "line", does: previousLine },
  { name: "nextLine", label: "Next line", short: "Line", icon: "down", keys: ["ArrowDown", "j"], group: "line", does: nextLine },
  { name: "nextPhase", label: "Next phase", short: "Phase", icon: "phase", keys: ["p"], group: "line", does: nextPhase },
  { name: "previousStep", label: "Previous recorded step", icon: "left", keys: ["["], group: "step", does: (app) => moveStep(app, -1) },
  { name: "nextStep", label: "Next recorded step", icon: "right", keys: ["]"], group: "step", does: (app) => moveStep(app, 1) },
  { name: "nextBatch", label: "Next batch", short: "Batch", icon: "batch", keys: ["b"], group: "training", needs: "paused", does: nextBatch },
  { name: "nextEpoch", label: "Next epoch", short: "Epoch", icon: "epoch", keys: ["e"], group: "training", needs: "paused", does: (app) => told(app, "next_epoch", "Running to the end of the epoch") },
  { name: "record", label: "Record the coming step", short: "Record", icon: "record", keys: ["r"], group: "training", needs: "unfinished", does: record },
  { name: "run", label: "Run or pause", short: "Run", icon: "run", keys: [" "], group: "training", needs: "unfinished", does: runOrPause },
];

const REASONS = {
  exported: "This is an exported page: it shows what was recorded. To train on, open the page of a running fit.",
  done: "The training is done.",
  failed: "The training failed.",
  running: "The training runs: pause it first.",
};

// Why an action cannot be done now; "" where it can.
export function reasonAgainst(app, { needs }) {
  if (!needs) return "";
  if (!app.live) return REASONS.exported;
  const { state } = app.state.status;
  if (state === "done" || state === "failed") return REASONS[state];
  if (needs === "paused" && state === "running") return REASONS.running;
  return "";
}

// Does it, unless it cannot be done now: then the reason is said.
export function perform(app, action) {
  const reason = reasonAgainst(app, action);
  if (reason) return app.say(reason);
  if (action.needs && app.busy) return app.say("A moment: the last command is still under way.");
  return action.does(app);
}

function previousLine(app) {
  const row = rowAfter(app.state.program.rows, app.view.row, -1);
  if (row === null) app.say("This is the first line.");
  else showRow(app, row);
}

// Past the last line comes the next recorded step, or the next batch of the training.
function nextLine(app) {
  const { rows } = app.state.program;
  const row = rowAfter(rows, app.view.row, 1);
  if (row !== null) return showRow(app, row);
  goOn(app);
}

function nextPhase(app) {
  const row = nextPhaseRow(app.state.program.rows, app.view.row);
  if (row !== null) return showRow(app, row);
  goOn(app);
}

function goOn(app) {
  const later = stepAfter(app.state.steps, app.view.step, 1);
  if (later) return showStep(app, later, 0);
  const batch = ACTIONS.find((action) => action.name === "nextBatch");
  if (reasonAgainst(app, batch)) app.say(`This is the last line. ${reasonAgainst(app, batch)}`);
  else perform(app, batch);
}

function showRow(app, row) {
  app.show({ row });
  const { first, source, phase } = app.state.program.rows[row];
  app.say(`Line ${first}, ${phase}: ${source.slice(0, 120)}`);
}

function moveStep(app, by) {
  const step = stepAfter(app.state.steps, app.view.step, by);
  if (step) showStep(app, step);
  else app.say(by < 0 ? "No step was recorded before this one." : "No step is recorded after this one.");
}

function showStep(app, step, row) {
  app.show(row === undefined ? { step: step.id } : { step: step.id, row });
  app.say(`Step ${step.step} of the training, epoch ${step.epoch + 1}, batch ${step.batch + 1}`);
}

// Runs one batch; the step that comes back is looked at from its first line.
async function nextBatch(app) {
  app.followNext = true;
  const answer = await told(app, "next_batch", "Running one batch");
  if (answer === null) app.followNext = false;
}

function record(app) {
  app.followNext = app.state.status.state !== "running";
  return told(app, "record", "Recording the coming step");
}

function runOrPause(app) {
  const isRunning = app.state.status.state === "running";
  return isRunning ? told(app, "pause", "Pausing") : told(app, "run", "Running");
}

// Sends a command and says so; null where it failed, which the page has shown already.
async function told(app, name, text) {
  app.say(text);
  return app.command(name).catch(() => null);
}

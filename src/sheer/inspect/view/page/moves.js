// Where to go from a row or a step: pure functions over the rows of the program and the steps.

// The row after (by = 1) or before (by = -1) this one; null past either end.
export function rowAfter(rows, row, by) {
  const next = row + by;
  return next >= 0 && next < rows.length ? next : null;
}

// The first row of the next phase; past the last phase null.
export function nextPhaseRow(rows, row) {
  const phase = rows[row]?.phase;
  const next = rows.findIndex((r, i) => i > row && r.phase !== phase);
  return next < 0 ? null : next;
}

// The row that computes a value; the last one that does, as the value shown is that one. Else null.
export function rowOf(rows, name) {
  const row = rows.findLastIndex((r) => r.targets.includes(name));
  return row < 0 ? null : row;
}

// The recorded step after or before this one; null past either end.
export function stepAfter(steps, step, by) {
  const place = steps.findIndex((s) => s.id === step?.id);
  return steps[place + by] ?? null;
}

// The phases of a program, in their order: [{phase, row}], row the first of it.
export function phasesOf(rows) {
  return rows.flatMap((r, row) => (row && rows[row - 1].phase === r.phase ? [] : [{ phase: r.phase, row }]));
}

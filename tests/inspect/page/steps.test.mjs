// Recorded steps of real models: each line that the page understands gives the value recorded, whole
// and cell by cell; and no more lines than STEPS says are beyond it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const page = process.env.PAGE;
const { cell, evaluate, gapsIn } = await import(`${page}/recipe.js`);
const { formulaOf } = await import(`${page}/formula.js`);
const { placeAt } = await import(`${page}/operations.js`);

const CELLS = 40;

function arrayOf({ shape, data }) {
  const bytes = Buffer.from(data, "base64");
  return { shape, data: new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) };
}

function assertNear(found, expected, what) {
  if (Object.is(found, expected) || found === expected || (Number.isNaN(found) && Number.isNaN(expected))) return;
  assert.ok(Math.abs(found - expected) <= 2e-5 * Math.abs(expected) + 2e-6, `${what}: ${found}, recorded ${expected}`);
}

for (const { name, arrays, lines, beyond } of JSON.parse(readFileSync(process.env.STEPS, "utf8"))) {
  const kept = new Map(Object.entries(arrays).map(([key, array]) => [key, arrayOf(array)]));
  const get = (key) => kept.get(key);
  test(`the lines of ${name}`, () => {
    const lacking = [];
    for (const [target, recipe] of lines) {
      if (gapsIn(recipe).length) {
        lacking.push(target);
        continue;
      }
      const { shape, data } = get(target);
      const found = evaluate(recipe, get);
      assert.deepEqual([...found.shape], shape, target);
      data.forEach((expected, k) => assertNear(found.data[k], expected, `${target}, number ${k}`));
      const step = Math.max(1, Math.floor(data.length / CELLS));
      for (let k = 0; k < data.length; k += step) {
        const index = placeAt(k, shape);
        assertNear(cell(recipe, index, get).value, data[k], `${target}[${index}]`);
        assert.doesNotMatch(formulaOf(recipe, index, get), /undefined|NaN|object/);
      }
    }
    assert.deepEqual(lacking, beyond);
  });
}

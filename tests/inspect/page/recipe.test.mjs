// The recipes of the page against the figures that test_page_modules.py has NumPy compute.
// PAGE is the folder of the page's modules, FIGURES the file of the cases.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const page = process.env.PAGE;
const { cell, evaluate, gapsIn, largestTerms, recipeNames } = await import(`${page}/recipe.js`);
const { formulaOf } = await import(`${page}/formula.js`);
const { placeAt } = await import(`${page}/operations.js`);
const { arrays, cases } = JSON.parse(readFileSync(process.env.FIGURES, "utf8"));

const get = (name) => {
  const { shape, data } = arrays[name];
  return { shape, data: Float64Array.from(data, Number) };
};

function assertNear(found, expected, what) {
  const wanted = Number(expected);
  if (Object.is(found, wanted) || found === wanted || (Number.isNaN(found) && Number.isNaN(wanted))) return;
  const isNear = Math.abs(found - wanted) <= 1e-9 * (1 + Math.abs(wanted));
  assert.ok(isNear, `${what}: ${found}, NumPy has ${wanted}`);
}

for (const { name, recipe, shape, data } of cases) {
  test(`whole: ${name}`, () => {
    const found = evaluate(recipe, get);
    assert.deepEqual([...found.shape], shape);
    data.forEach((expected, k) => assertNear(found.data[k], expected, `number ${k}`));
  });
  test(`cell by cell: ${name}`, () => {
    data.forEach((expected, k) => assertNear(cell(recipe, placeAt(k, shape), get).value, expected, `number ${k}`));
  });
  test(`as a formula: ${name}`, () => {
    const text = formulaOf(recipe, placeAt(0, shape), get);
    assert.ok(text && !/undefined|NaN|object/.test(text), text);
  });
}

const name = (word) => ({ name: word });
const call = (op, of, attributes) => ({ op, of, attributes });
const affine = call("+", [call("@", [name("a"), name("w")]), name("bias")]);

test("a cell of an affine row is its products and its bias", () => {
  const part = cell(affine, [1, 2], get);
  const [sum, bias] = part.parts;
  assert.equal(part.op, "+");
  assert.equal(bias.name, "bias");
  assert.deepEqual(bias.index, [2]);
  assert.equal(sum.terms.count, 4);
  const term = sum.terms.part(3);
  assert.deepEqual(
    term.parts.map((p) => [p.name, p.index]),
    [
      ["a", [1, 3]],
      ["w", [3, 2]],
    ],
  );
  assertNear(term.value, get("a").data[7] * get("w").data[11], "the last term");
  assertNear(sum.terms.values.reduce((x, y) => x + y) + bias.value, part.value, "the sum of all");
});

test("the largest terms come first, by size", () => {
  const terms = { values: Float64Array.of(0.5, -3, 0, 2), count: 4 };
  assert.deepEqual(
    largestTerms(terms, 3).map(({ k }) => k),
    [1, 3, 0],
  );
});

test("formulas are those of the textbook", () => {
  const formulas = [
    [affine, [1, 2], "Σᵢ a[1, i] · w[i, 2] + bias[2]"],
    [call("@", [call("T", [name("a")]), name("b")]), [2, 1], "Σᵢ a[i, 2] · b[i, 1]"],
    [call("softmax", [name("b")]), [1, 0], "exp(b[1, 0] − maxᵢ b[1, i]) / Σᵢ exp(b[1, i] − maxⱼ b[1, j])"],
    [call("mean", [name("a")], { axis: 0 }), [3], "1/3 · Σᵢ a[i, 3]"],
    [call("negative", [call("take_label", [name("b"), name("labels")])]), [1], "−b[1, labels[1]]"],
    [
      call("/", [
        call("-", [name("b"), call("one_hot", [name("labels")], { num_classes: 2 })]),
        call("len", [name("a")]),
      ]),
      [1, 0],
      "(b[1, 0] − (labels[1] = 0)) / len(a)",
    ],
  ];
  for (const [recipe, index, text] of formulas) assert.equal(formulaOf(recipe, index, get), text);
});

test("what is not known is said by name, and so is what a recipe reads", () => {
  assert.deepEqual(gapsIn(call("+", [call("fractions", [name("a")]), null])), ["fractions", "a part of the line"]);
  assert.deepEqual(gapsIn(affine), []);
  assert.deepEqual(recipeNames(affine), ["a", "w", "bias"]);
  assert.throws(() => evaluate(call("fractions", [name("a")]), get), /does not know the operation fractions/);
});

// Recipes: how a value of the program is computed, evaluated on the arrays of a recorded step.
import { ELEMENTWISE, MOVES, REDUCTIONS, SPELLING, axisOf, offsetOf, placeAt, sizeOf, stretchedIndex } from "./operations.js";
import { realNumber } from "./format.js";

// A whole value: {shape, data}. `get(name)` answers {shape, data} of a value of the step.
export const evaluate = (recipe, get) => wholeOf(recipe, recipeContext(get));

// One number of a value, with what made it.
//
// A part is {recipe, index, value}, and more by its kind: a value of the step has `name`; an
// operation on numbers has `parts`; a sum, mean or maximum, and a product of matrices, has
// `terms`: {count, values, part(k)} where each term is a part itself, made when asked for.
export const cell = (recipe, index, get) => partOf(recipe, index, recipeContext(get));

// The names of the values that a recipe reads, each once.
export function recipeNames(recipe) {
  if (!recipe) return [];
  if (recipe.name !== undefined) return [recipe.name];
  return [...new Set((recipe.of ?? []).flatMap(recipeNames))];
}

// What in a recipe is not understood here, as words for the reader; empty where all is.
export function gapsIn(recipe) {
  if (!recipe) return ["a part of the line"];
  if (recipe.name !== undefined || recipe.number !== undefined) return [];
  const isKnown = [ELEMENTWISE, REDUCTIONS, MOVES, SPELLING].some((family) => Object.hasOwn(family, recipe.op));
  const own = isKnown || ["@", "len", "arange", "array"].includes(recipe.op) ? [] : [recipe.op];
  const hasRecipes = (recipe.attributes?.key ?? []).some((k) => k && Object.values(k).some((end) => end?.op));
  return [...new Set([...own, ...(hasRecipes ? ["slice"] : []), ...recipe.of.flatMap(gapsIn)])];
}

// The terms of a part that weigh most, as [{k, value}], the largest first.
export function largestTerms(terms, count) {
  const weight = terms.byValue ? (k) => -terms.values[k] : (k) => -Math.abs(terms.values[k]);
  const order = Array.from(terms.values, (_, k) => k);
  const rank = (k) => (Number.isNaN(weight(k)) ? -Infinity : weight(k));
  order.sort((a, b) => rank(a) - rank(b) || a - b);
  return order.slice(0, count).map((k) => ({ k, value: terms.values[k] }));
}

// A word in the operations that it is made of; any other recipe as it is.
export function spelled(recipe) {
  if (!Object.hasOwn(SPELLING, recipe.op ?? "")) return recipe;
  if (!SPELLED.has(recipe)) SPELLED.set(recipe, spelled(SPELLING[recipe.op](recipe.of, recipe.attributes ?? {})));
  return SPELLED.get(recipe);
}
const SPELLED = new WeakMap();

// What has been computed so far for one step.
export const recipeContext = (get) => ({ get, whole: new Map(), shapes: new Map() });

// The shape of a recipe's value, with no number computed.
export function shapeOfRecipe(given, context) {
  if (!context.shapes.has(given)) context.shapes.set(given, newShape(spelled(given), context));
  return context.shapes.get(given);
}

function newShape(recipe, context) {
  if (recipe.name !== undefined) return context.get(recipe.name).shape;
  if (recipe.number !== undefined || recipe.op === "len") return [];
  if (recipe.op === "arange") return [recipe.attributes.count];
  if (recipe.op === "array") return nestedShape(recipe.attributes.values);
  const shapes = recipe.of.map((operand) => shapeOfRecipe(operand, context));
  if (recipe.op === "@") return productShape(...shapes);
  if (recipe.op in MOVES) return MOVES[recipe.op].shape(shapes, recipe.attributes ?? {}, readerOf(recipe, context));
  if (recipe.op in REDUCTIONS) return reducedShape(shapes[0], recipe);
  if (recipe.op in ELEMENTWISE) return broadcastShape(shapes);
  throw new Error(`The page does not know the operation ${recipe.op}.`);
}

const nestedShape = (values) => (Array.isArray(values) ? [values.length, ...nestedShape(values[0] ?? 0)] : []);

function broadcastShape(shapes) {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, k) => {
    const sizes = shapes.map((shape) => shape[k - rank + shape.length] ?? 1).filter((size) => size !== 1);
    if (sizes.some((size) => size !== sizes[0]))
      throw new Error(`Shapes do not fit: ${shapes.map((s) => `(${s})`).join(" and ")}.`);
    return sizes[0] ?? 1;
  });
}

function productShape(a, b) {
  if (a.at(-1) !== b.at(-2)) throw new Error(`No product of (${a}) and (${b}).`);
  return [...broadcastShape([a.slice(0, -2), b.slice(0, -2)]), a.at(-2), b.at(-1)];
}

// The axes of a reduction, counted from the front.
export const reducedAxes = (recipe, rank) => {
  const axis = recipe.attributes?.axis;
  return axis == null ? Array.from({ length: rank }, (_, k) => k) : [axis].flat().map((a) => axisOf(a, rank));
};

function reducedShape(shape, recipe) {
  const axes = reducedAxes(recipe, shape.length);
  if (recipe.attributes?.keepdims) return shape.map((size, k) => (axes.includes(k) ? 1 : size));
  return shape.filter((_, k) => !axes.includes(k));
}

// A whole value, computed once per context.
function wholeOf(given, context) {
  if (!context.whole.has(given)) context.whole.set(given, newWhole(spelled(given), context));
  return context.whole.get(given);
}

function newWhole(recipe, context) {
  if (recipe.name !== undefined) return context.get(recipe.name);
  if (recipe.number !== undefined) return { shape: [], data: Float64Array.of(realNumber(recipe.number)) };
  const shape = shapeOfRecipe(recipe, context);
  if (recipe.op === "len") return { shape, data: Float64Array.of(shapeOfRecipe(recipe.of[0], context)[0]) };
  if (recipe.op === "arange") return { shape, data: Float64Array.from({ length: shape[0] }, (_, k) => k) };
  if (recipe.op === "array")
    return { shape, data: Float64Array.from(recipe.attributes.values.flat(Infinity), realNumber) };
  if (recipe.op === "@") return product(shape, ...recipe.of.map((operand) => wholeOf(operand, context)));
  if (recipe.op in ELEMENTWISE) return elementwise(shape, recipe, context);
  const data = new Float64Array(sizeOf(shape));
  const fill = recipe.op in MOVES ? (index) => numberAt(recipe, index, context) : reducer(recipe, context);
  for (let offset = 0; offset < data.length; offset += 1) data[offset] = fill(placeAt(offset, shape));
  return { shape, data };
}

function product(shape, a, b) {
  const [rows, inner, columns] = [a.shape.at(-2), a.shape.at(-1), b.shape.at(-1)];
  const data = new Float64Array(sizeOf(shape));
  const stack = shape.slice(0, -2);
  for (let s = 0; s < sizeOf(stack); s += 1) {
    const [fromA, fromB] = [a, b].map(({ shape: own }) => {
      const ownStack = own.slice(0, -2);
      return offsetOf(stretchedIndex(placeAt(s, stack), ownStack), ownStack) * own.at(-2) * own.at(-1);
    });
    for (let i = 0; i < rows; i += 1) {
      const to = (s * rows + i) * columns;
      for (let k = 0; k < inner; k += 1) {
        const left = a.data[fromA + i * inner + k];
        const from = fromB + k * columns;
        for (let j = 0; j < columns; j += 1) data[to + j] += left * b.data[from + j];
      }
    }
  }
  return { shape, data };
}

function elementwise(shape, recipe, context) {
  const operands = recipe.of.map((operand) => wholeOf(operand, context));
  const { of } = ELEMENTWISE[recipe.op];
  const data = new Float64Array(sizeOf(shape));
  const isPlain = operands.map((x) => x.data.length === data.length);
  for (let offset = 0; offset < data.length; offset += 1) {
    let index = null;
    const numbers = operands.map((x, k) => {
      if (isPlain[k]) return x.data[offset];
      if (x.data.length === 1) return x.data[0];
      index ??= placeAt(offset, shape);
      return x.data[offsetOf(stretchedIndex(index, x.shape), x.shape)];
    });
    data[offset] = of(...numbers);
  }
  return { shape, data };
}

const reducer = (recipe, context) => {
  const read = termsAt(recipe, context);
  return (index) => REDUCTIONS[recipe.op].of(Array.from({ length: read.count }, (_, k) => read.number(index, k)));
};

// The numbers that go into one of a reduction: how many, and where in the operand the kth stands.
function termsAt(recipe, context) {
  const shape = shapeOfRecipe(recipe.of[0], context);
  const axes = reducedAxes(recipe, shape.length);
  const sizes = axes.map((axis) => shape[axis]);
  const place = (index, k) => {
    const left = recipe.attributes?.keepdims ? index.filter((_, axis) => !axes.includes(axis)) : [...index];
    const inner = placeAt(k, sizes);
    return shape.map((_, axis) => (axes.includes(axis) ? inner[axes.indexOf(axis)] : left.shift()));
  };
  const whole = wholeOf(recipe.of[0], context);
  return { count: sizeOf(sizes), place, number: (index, k) => whole.data[offsetOf(place(index, k), whole.shape)] };
}

// One number of a value. What only moves numbers is not computed whole for it.
export function numberAt(given, index, context) {
  const recipe = spelled(given);
  if (recipe.op in MOVES) {
    const [operand, place] = sourceOf(recipe, index, context);
    return numberAt(recipe.of[operand], place, context);
  }
  const whole = wholeOf(recipe, context);
  return whole.data[offsetOf(index, whole.shape)];
}

const readerOf = (recipe, context) => (operand, place) => numberAt(recipe.of[operand], place, context);

function sourceOf(recipe, index, context) {
  const shapes = recipe.of.map((operand) => shapeOfRecipe(operand, context));
  return MOVES[recipe.op].source(index, shapes, recipe.attributes ?? {}, readerOf(recipe, context));
}

function partOf(given, index, context) {
  const recipe = spelled(given);
  const part = { recipe: given, index };
  if (recipe.name !== undefined) return { ...part, name: recipe.name, value: numberAt(recipe, index, context) };
  if (recipe.number !== undefined || ["len", "arange", "array"].includes(recipe.op))
    return { ...part, value: numberAt(recipe, index, context) };
  if (recipe.op in MOVES) {
    const [operand, place] = sourceOf(recipe, index, context);
    return partOf(recipe.of[operand], place, context);
  }
  if (recipe.op === "@") return withTerms(part, "sum", productTerms(recipe, index, context));
  if (recipe.op in REDUCTIONS) return withTerms(part, recipe.op, reductionTerms(recipe, index, context));
  const parts = recipe.of.map((operand) =>
    partOf(operand, stretchedIndex(index, shapeOfRecipe(operand, context)), context),
  );
  return { ...part, op: recipe.op, parts, value: ELEMENTWISE[recipe.op].of(...parts.map((p) => p.value)) };
}

const withTerms = (part, op, { count, number, make }) => {
  const values = Float64Array.from({ length: count }, (_, k) => number(k));
  const terms = { count, values, part: make, byValue: !["sum", "mean", "prod"].includes(op) };
  return { ...part, op, terms, value: REDUCTIONS[op].of(values) };
};

function reductionTerms(recipe, index, context) {
  const read = termsAt(recipe, context);
  return {
    count: read.count,
    number: (k) => read.number(index, k),
    make: (k) => partOf(recipe.of[0], read.place(index, k), context),
  };
}

function productTerms(recipe, index, context) {
  const [a, b] = recipe.of;
  const [shapeA, shapeB] = recipe.of.map((operand) => shapeOfRecipe(operand, context));
  const stack = index.slice(0, -2);
  const placeA = (k) => [...stretchedIndex(stack, shapeA.slice(0, -2)), index.at(-2), k];
  const placeB = (k) => [...stretchedIndex(stack, shapeB.slice(0, -2)), k, index.at(-1)];
  return {
    count: shapeA.at(-1),
    number: (k) => numberAt(a, placeA(k), context) * numberAt(b, placeB(k), context),
    make: (k) => {
      const parts = [partOf(a, placeA(k), context), partOf(b, placeB(k), context)];
      return { recipe, index, op: "*", parts, value: parts[0].value * parts[1].value };
    },
  };
}

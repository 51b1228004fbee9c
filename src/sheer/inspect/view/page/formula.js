// One number of a value as a formula: Σᵢ x[3, i] · dense.kernel[i, 17] + dense.bias[17].
import { ELEMENTWISE, MOVES, REDUCTIONS, stretchedIndex } from "./operations.js";
import { realNumber } from "./format.js";
import { reducedAxes, numberAt, recipeContext, shapeOfRecipe, spelled } from "./recipe.js";

const LETTERS = { i: "ᵢ", j: "ⱼ", k: "ₖ", m: "ₘ", n: "ₙ", p: "ₚ", s: "ₛ", t: "ₜ" };
const CALLED = 5;
const SUMMED = 1.5;

// A recipe at an index, as a formula. `get(name)` answers the {shape} of a value.
export const formulaOf = (recipe, index, get) => written(recipe, index, recipeContext(get), Object.keys(LETTERS)).text;

// A name at an index: z1[3, 17].
export const placed = (name, index) => (index.length ? `${name}[${index.join(", ")}]` : name);

// {text, strength}: the strength says what may stand beside it without parentheses.
function written(given, index, context, letters) {
  const recipe = spelled(given);
  const atom = (text) => ({ text, strength: CALLED });
  if (recipe.name !== undefined) return atom(placed(recipe.name, index));
  if (recipe.number !== undefined)
    return { text: String(recipe.number).replace("-", "−"), strength: realNumber(recipe.number) < 0 ? 3 : CALLED };
  if (recipe.op === "len") return atom(`len(${recipe.of[0].name ?? "…"})`);
  if (recipe.op === "arange") return atom(String(index[0]));
  if (recipe.op === "array") return atom(placed("array", index));
  if (recipe.op === "@") return writtenProduct(recipe, index, context, letters);
  if (recipe.op in MOVES) return writtenMove(recipe, index, context, letters);
  if (recipe.op in REDUCTIONS) return writtenReduction(recipe, index, context, letters);
  const operands = recipe.of.map((x) => written(x, stretchedIndex(index, shapeOfRecipe(x, context)), context, letters));
  return writtenElementwise(recipe.op, operands);
}

const inside = (operand, strength) => (operand.strength < strength ? `(${operand.text})` : operand.text);

function writtenElementwise(op, operands) {
  const [a, b, c] = operands;
  const { sign, strength } = ELEMENTWISE[op];
  if (sign === undefined) return writtenCall(op, a, b, c);
  const isStrict = ["-", "/", "**", "%", "//"].includes(op);
  const right = b.strength === SUMMED ? b.text : inside(b, strength + (isStrict ? 0.1 : 0));
  const text = `${inside(a, op === "**" ? 4.1 : strength)} ${sign} ${right}`;
  return { text, strength: b.strength === SUMMED ? Math.min(strength, SUMMED) : strength };
}

function writtenCall(op, a, b, c) {
  if (op === "negative") return { text: `−${inside(a, 2)}`, strength: 1 };
  if (op === "abs") return { text: `|${a.text}|`, strength: CALLED };
  if (op === "truncated" || op === "truth") return a;
  if (op === "square") return { text: `${inside(a, CALLED)}²`, strength: 4 };
  if (op === "where") return { text: `${inside(b, 1)} if ${inside(a, 0)} else ${inside(c, 1)}`, strength: -1 };
  const name = { maximum: "max", minimum: "min" }[op] ?? op;
  return {
    text: `${name}(${[a, b, c]
      .filter(Boolean)
      .map((x) => x.text)
      .join(", ")})`,
    strength: CALLED,
  };
}

function writtenProduct({ of: [a, b] }, index, context, [letter, ...rest]) {
  const stacked = (x) => stretchedIndex(index.slice(0, -2), shapeOfRecipe(x, context).slice(0, -2));
  const left = written(a, [...stacked(a), index.at(-2), letter], context, rest);
  const right = written(b, [...stacked(b), letter, index.at(-1)], context, rest);
  return { text: `Σ${LETTERS[letter]} ${inside(left, 2)} · ${inside(right, 2)}`, strength: SUMMED };
}

function writtenReduction(recipe, index, context, letters) {
  const shape = shapeOfRecipe(recipe.of[0], context);
  const axes = reducedAxes(recipe, shape.length);
  const own = letters.slice(0, axes.length);
  const left = recipe.attributes?.keepdims ? index.filter((_, axis) => !axes.includes(axis)) : [...index];
  const inner = shape.map((_, axis) => (axes.includes(axis) ? own[axes.indexOf(axis)] : left.shift()));
  const body = written(recipe.of[0], inner, context, letters.slice(axes.length));
  const mark = own.map((letter) => LETTERS[letter]).join("");
  const count = axes.reduce((size, axis) => size * shape[axis], 1);
  if (recipe.op === "mean") return { text: `1/${count} · Σ${mark} ${inside(body, 2)}`, strength: SUMMED };
  return { text: `${REDUCTIONS[recipe.op].word}${mark} ${inside(body, 2)}`, strength: SUMMED };
}

// A number that is only moved, by the name of its place in the operand.
function writtenMove(recipe, index, context, letters) {
  const shapes = recipe.of.map((x) => shapeOfRecipe(x, context));
  const read = (operand, place) => written(recipe.of[operand], place, context, letters).text;
  const numbers = (operand, place) => numberAt(recipe.of[operand], place, context);
  const needsNumbers = ["concatenate", "reshape", "stack", "flip"].includes(recipe.op);
  if (needsNumbers && index.some((place) => typeof place !== "number"))
    return { text: placed(`${recipe.op}(${recipe.of.map((x) => x.name ?? "…").join(", ")})`, index), strength: CALLED };
  const [operand, place] = MOVES[recipe.op].source(
    index,
    shapes,
    recipe.attributes ?? {},
    recipe.op === "reshape" ? numbers : read,
  );
  return written(recipe.of[operand], place, context, letters);
}

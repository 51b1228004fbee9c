// The phases of a step: what each is called, and its sign, the second cue beside its colour.

const PHASES = {
  forward: { title: "forward", sign: "→" },
  loss: { title: "loss", sign: "◆" },
  backward: { title: "backward", sign: "←" },
  update: { title: "update", sign: "↻" },
  metrics: { title: "metrics", sign: "≡" },
  result: { title: "result", sign: "⏎" },
};

// Its title and sign; those of a phase without a name where it is unknown.
export function phaseOf(name) {
  return PHASES[name] ?? { title: name || "step", sign: "·" };
}

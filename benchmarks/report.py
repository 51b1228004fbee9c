"""From turns to figures, and from figures to tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

# What the time (or memory) of sheer over that of another may be at most.
LIMITS = {
    "mnist": {
        "JAX scan": 0.80,
        "floor": 1.20,
        "Keras on JAX": 0.65,
        "PyTorch eager": 0.45,
        "scikit-learn (adam)": 0.30,
        "Keras on TensorFlow": 0.22,
    },
    "tiny": {"JAX scan": 0.40, "Keras on JAX": 0.012, "PyTorch eager": 0.008},
    "wide": {"JAX scan": 0.60, "PyTorch eager": 0.85},
    "predict": {
        "Keras on JAX predict(x)": 0.005,
        "Keras on PyTorch predict(x)": 0.005,
        "Keras on TensorFlow predict(x)": 0.005,
        "PyTorch no_grad": 0.5,
    },
    "process": {"Keras on JAX": 0.5, "Keras on TensorFlow": 0.2},
    "memory": {"Keras on JAX": 0.3},
    "watched": {"alone": 1.25},  # 0.8 of the speed
}


@dataclass
class Table:
    """A case's figures: a row per contender, as `compare` makes them, and what else they have."""

    name: str
    title: str
    unit: str
    scale: float  # what makes `unit` of a row's median
    rows: dict[str, dict]
    missing: dict[str, str]  # contender: why it was not measured
    extras: dict[str, str] = field(default_factory=dict)  # further fields of rows: their format

    def __str__(self) -> str:
        head = "".join(f"{name:>11}" for name in self.extras)
        lines = [
            f"{self.name}: {self.title}",
            f"{'':<31}{self.unit:>10}{'sheer/it':>10}{'at most':>9}{'':>9}{head}",
            *(self.line(name, row) for name, row in self.rows.items()),
            *(f"{name:<31}not measured: {why}" for name, why in self.missing.items()),
            *self.versions(),
        ]
        return "\n".join(line.rstrip() for line in lines)

    def versions(self) -> list[str]:
        """One line, if the rows have versions."""
        parts = {part for row in self.rows.values() for part in row.get("versions", {}).items()}
        return [f"with {', '.join(' '.join(part) for part in sorted(parts))}"] if parts else []

    def line(self, name: str, row: dict) -> str:
        limit = ""
        if "limit" in row:
            limit = f"{row['limit']:>9.3g}{'  reached' if row['reached'] else '  NO'}"
        figures = f"{row['median'] * self.scale:>10.4g}{row['ratio']:>10.3g}{limit:<18}"
        cells = (
            "-" if row.get(key) is None else format(row[key], spec)
            for key, spec in self.extras.items()
        )
        return f"{name:<31}{figures}" + "".join(f"{cell:>11}" for cell in cells)


def compare(case: str, turns: dict[str, list[dict]], what: str = "seconds") -> dict[str, dict]:
    """Each contender's median, and the ratio of the first, which is sheer, to it."""
    values = {name: [turn[what] for turn in played] for name, played in turns.items()}
    sheer = next(iter(values.values()))
    rows: dict[str, dict] = {}
    for name, its in values.items():
        ratio = median(a / b for a, b in zip(sheer, its, strict=True))
        rows[name] = {"median": median(its), "ratio": ratio, "values": its}
        limit = LIMITS.get(case, {}).get(name.partition(", ")[0])
        if limit is not None:
            rows[name] |= {"limit": limit, "reached": ratio <= limit}
    return rows

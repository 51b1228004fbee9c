"""One network of two layers over batch sizes and widths: where sheer wins, and where it loses."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path

from benchmarks.cases import BATCHES, WIDTHS, sweep_case, write_data
from benchmarks.contenders import SWEEPERS, Race
from benchmarks.plot import plot
from benchmarks.report import compare

FIGURES = Path(__file__).parent / "figures"


@dataclass
class Sweep:
    """A point per batch size and width: seconds of a step of each, and sheer's time over theirs."""

    name: str
    title: str
    points: list[dict]
    missing: dict[str, str]
    versions: dict[str, dict[str, str]]

    def __str__(self) -> str:
        peers = list(self.points[0]["ratio"])
        heads = "".join(f"{f'sheer/{peer}':>21}" for peer in peers)
        lines = [
            f"{self.name}: {self.title}",
            f"{'batch':>6}{'width':>7}{'sheer µs/step':>15}{heads}",
        ]
        for point in self.points:
            ratios = "".join(f"{point['ratio'].get(peer, nan):>21.3f}" for peer in peers)
            micro = point["seconds"]["sheer"] * 1e6
            lines.append(f"{point['batch']:>6}{point['width']:>7}{micro:>15.1f}{ratios}")
        lines += [self.lost(peer) for peer in peers]
        lines += [f"{peer} not measured: {why}" for peer, why in self.missing.items()]
        return "\n".join(lines)

    def lost(self, peer: str) -> str:
        """Where sheer needs more time than `peer`."""
        lost = [point for point in self.points if point["ratio"].get(peer, 0) > 1]
        where = ", ".join(f"{point['batch']}×{point['width']}" for point in lost)
        count = f"{len(lost)} of {len(self.points)}"
        return f"slower than {peer} at {count} (batch×width): {where or '-'}"


def best_ratios(rows: dict[str, dict]) -> dict[str, float]:
    """Sheer's time over that of each peer at the better of its settings."""
    best: dict[str, float] = {}
    for who, row in rows.items():
        peer = who.partition(", ")[0]
        if peer != "sheer":
            best[peer] = max(best.get(peer, 0), row["ratio"])
    return best


def sweep(rounds: int, pythons: dict[str, str], folder: Path) -> list[Sweep]:
    """All the points; they and their plot are written to FIGURES."""
    points = []
    with Race(SWEEPERS, pythons) as race:
        for batch in BATCHES:
            for width in WIDTHS:
                case = sweep_case(batch, width)
                write_data(case, folder)
                race.begin(case, folder)
                rows = compare("sweep", race.rounds(rounds, "turn"))
                seconds = {who: row["median"] / case.steps for who, row in rows.items()}
                point = {"batch": batch, "width": width, "seconds": seconds}
                points.append(point | {"ratio": best_ratios(rows)})
    result = Sweep(
        "sweep",
        f"width-width-10, relu, adam, made data; {rounds} rounds",
        points,
        race.missing,
        race.versions,
    )
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / "sweep.json").write_text(json.dumps(asdict(result), indent=2) + "\n")
    (FIGURES / "sweep.svg").write_text(plot(points))
    return [result]

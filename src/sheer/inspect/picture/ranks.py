"""In which rank each box of a diagram stands, and in which order the ranks have them.

The layered drawing of Sugiyama, Tagawa and Toda (1981): ranks by the longest path from the data, a
passage in each rank that an arrow goes through, and an order by the barycentres of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from sheer.inspect.picture.boxes import Arrow, Box, Diagram

SWEEPS = 12
PASSAGE = 10.0


@dataclass(eq=False)
class Spot:
    """A place in a rank: that of a box, or a passage for the arrows from one box to later ranks.

    `across` is the middle of it along its rank, `along` where it begins in the direction in which
    the ranks follow one another; `breadth` and `length` are its sizes in these directions.
    """

    box: Box | None
    rank: int
    breadth: float = PASSAGE
    length: float = 0.0
    across: float = 0.0
    along: float = 0.0
    above: list[Spot] = field(default_factory=list)
    below: list[Spot] = field(default_factory=list)


@dataclass
class Ranks:
    """The spots rank by rank, the spot of each box, and the way of each arrow through them."""

    rows: list[list[Spot]]
    spots: dict[Box, Spot]
    ways: list[tuple[Arrow, list[Spot]]]


def ranked(diagram: Diagram) -> Ranks:
    """Give each box its rank, each arrow its passages, and each rank its order."""
    depth = _depths(diagram)
    rows: list[list[Spot]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    spots = {}
    for box in diagram.boxes:
        spots[box] = Spot(box, depth[box])
        rows[depth[box]].append(spots[box])
    passages: dict[tuple[Box, int], Spot] = {}
    ways = []
    for arrow in diagram.arrows:
        way = [spots[arrow.source]]
        for rank in range(depth[arrow.source] + 1, depth[arrow.target]):
            # One passage for all arrows from the same box.
            if (arrow.source, rank) not in passages:
                passages[arrow.source, rank] = Spot(None, rank)
                rows[rank].append(passages[arrow.source, rank])
            way.append(passages[arrow.source, rank])
        way.append(spots[arrow.target])
        ways.append((arrow, way))
        for upper, lower in pairwise(way):
            if lower not in upper.below:
                upper.below.append(lower)
                lower.above.append(upper)
    ordered = _ordered(rows)
    for row in ordered:
        _put_targets_beside_predictions(row)
    return Ranks(ordered, spots, ways)


def _put_targets_beside_predictions(row: list[Spot]) -> None:
    for spot in [s for s in row if s.box is not None and s.box.kind == "targets"]:
        row.remove(spot)
        rivals = [i for i, s in enumerate(row) if any(loss in s.below for loss in spot.below)]
        row.insert(max(rivals, default=len(row) - 1) + 1, spot)


def _depths(diagram: Diagram) -> dict[Box, int]:
    before: dict[Box, list[Box]] = {box: [] for box in diagram.boxes}
    after: dict[Box, list[Box]] = {box: [] for box in diagram.boxes}
    for arrow in diagram.arrows:
        before[arrow.target].append(arrow.source)
        after[arrow.source].append(arrow.target)
    depth: dict[Box, int] = {}
    for box in diagram.boxes:  # each after those that it needs
        depth[box] = max((depth[b] + 1 for b in before[box]), default=0)
    ends = [box for box in diagram.boxes if box.kind == "predictions" or _leaves(box, before)]
    last = max((depth[box] for box in ends), default=0)
    for box in ends:
        depth[box] = last
    for box in diagram.boxes:
        # The same again, now that all predictions stand side by side.
        depth[box] = max([depth[box], *(depth[b] + 1 for b in before[box])])
    for box in diagram.boxes:
        # Targets and constants stand right before their reader.
        if not before[box] and after[box] and box.kind not in ("data", "pin"):
            depth[box] = max(0, min(depth[b] for b in after[box]) - 1)
    return depth


def _leaves(box: Box, before: dict[Box, list[Box]]) -> bool:
    return box.kind == "pin" and bool(before[box])


def _ordered(rows: list[list[Spot]]) -> list[list[Spot]]:
    """The order with the fewest crossings that some sweeps find."""
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        is_down = sweep % 2 == 0
        for row in rows[1:] if is_down else rows[-2::-1]:
            place: dict[Spot, float] = {}
            for i, spot in enumerate(row):
                near = spot.above if is_down else spot.below
                known = [_index(rows, other) for other in near]
                place[spot] = sum(known) / len(known) if known else i
            row.sort(key=place.__getitem__)
        found = _crossings(rows)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    return best


def _index(rows: list[list[Spot]], spot: Spot) -> float:
    row = rows[spot.rank]
    return row.index(spot) - (len(row) - 1) / 2


def _crossings(rows: list[list[Spot]]) -> int:
    count = 0
    for row, following in pairwise(rows):
        place = {spot: i for i, spot in enumerate(following)}
        ends = [sorted(place[b] for b in spot.below) for spot in row]
        passed: list[int] = []
        for targets in ends:
            count += sum(1 for t in targets for p in passed if p > t)
            passed += targets
    return count

"""What a picture is made of: boxes with lines of text, and arrows between them."""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass, field

PAD = 12
# Of each kind of line: the size of its letters, its height, whether all letters are as wide, and
# whether they are bold. What lines say: see `describe`.
STYLES = {
    "heading": (11.0, 17, False, True),
    "title": (14.0, 21, False, True),
    "text": (12.0, 18, True, False),
    "weight": (11.5, 18, True, False),
    "fixed": (11.5, 18, True, False),
    "foot": (11.5, 18, True, False),
}
ASIDE = 12.0  # the size of what stands at the right of a title
# Widths of letters in parts of their size, as the widest of the usual fonts have them.
MONO = 0.605
NARROW, WIDE = set("iljtfrI.,:;'|!()[] -/"), set("mwMW%@&—")
LONGEST = 46
PANEL = ("weight", "fixed")  # lines on a ground of their own
PANEL_MARGIN = 5


@dataclass(frozen=True)
class Line:
    """A text at the left of a box, and one at the right, in one of the STYLES."""

    style: str
    left: str
    right: str = ""


@dataclass(eq=False)
class Box:
    """What stands in one place of the picture.

    `kind` is data, layer, op, predictions, targets, loss, optimizer, or pin: where an arrow enters
    or leaves a frame. `inner` is the diagram inside of a frame. `is_updated`: whether an arrow from
    the optimizer ends at it; `is_trained`: whether weights in it change. `says` is all of it in
    words.
    """

    kind: str
    name: str
    lines: list[Line] = field(default_factory=list)
    says: str = ""
    is_updated: bool = False
    is_trained: bool = False
    inner: Diagram | None = None


@dataclass(eq=False)
class Arrow:
    """From one box to another; into and out of frames by their pins."""

    source: Box
    target: Box
    kind: str = "forward"
    out_of: Box | None = None
    into: Box | None = None


@dataclass
class Diagram:
    """Boxes, in the order in which they are computed, and the arrows between them."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def add(self, box: Box) -> Box:
        """Take in one more box."""
        self.boxes.append(box)
        return box


def width_of(text: str, size: float, mono: bool, bold: bool = False) -> float:
    """How wide a text is at most, whichever of the generic fonts shows it."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    if mono:
        return size * (MONO * (len(text) - wide) + 1.2 * wide)
    units = sum(0.42 if c in NARROW else 1.05 if c in WIDE else 0.78 if c.isupper() else 0.69
                for c in text)  # fmt: skip
    return size * (units * (1.0 if bold else 0.92) + 0.4 * wide)


def wrapped(text: str, width: int = 40, most: int = 3) -> list[str]:
    """The text in lines of at most so many letters."""
    lines = textwrap.wrap(text, width)
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][: width - 1] + "…"]


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, its middle left out where it is too long for a box."""
    if len(text) <= longest:
        return text
    kept = longest - 1
    return f"{text[: kept - kept // 3]}…{text[len(text) - kept // 3 :]}"


def size_of(lines: list[Line]) -> tuple[float, float]:
    """The width and height of a box with these lines."""
    width = 0.0
    for line in lines:
        size, _, mono, bold = STYLES[line.style]
        right = (ASIDE, False, False) if line.style == "title" else (size, mono, bold)
        needed = width_of(line.left, size, mono, bold) * (1.1 if line.style == "heading" else 1)
        needed += width_of(line.right, *right) + 18 if line.right else 0
        width = max(width, needed + (2 * 7 if line.style in PANEL else 0))
    heights = sum(STYLES[line.style][1] for line in lines)
    panel = 2 * PANEL_MARGIN if any(line.style in PANEL for line in lines) else 0
    return width + 2 * PAD, heights + panel + 16


def panel_of(lines: list[Line]) -> tuple[float, float] | None:
    """Where in a box the ground of its weights begins and how high it is."""
    rows = [i for i, line in enumerate(lines) if line.style in PANEL]
    if not rows:
        return None
    above = sum(STYLES[line.style][1] for line in lines[: rows[0]])
    inside = sum(STYLES[lines[i].style][1] for i in rows)
    return 8 + above + PANEL_MARGIN - 2, inside + 4

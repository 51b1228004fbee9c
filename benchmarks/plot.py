"""The sweep as a picture, written as SVG by hand."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor, log10

COLORS = {"JAX scan": "#2f6db5", "PyTorch eager": "#c8501e"}
LEFT, TOP, WIDE, HIGH, GAP = 60, 80, 170, 260, 20
GREY, LIGHT = "#555", "#ddd"


def plot(points: list[dict]) -> str:
    """A panel per batch size: how many times as long as sheer each peer takes, by width."""
    batches = sorted({point["batch"] for point in points})
    widths = sorted({point["width"] for point in points})
    powers = [-log10(ratio) for point in points for ratio in point["ratio"].values()]
    low, high = floor(min(powers, default=0)), max(ceil(max(powers, default=1)), 1)

    def x(panel: int, width: int) -> float:
        share = widths.index(width) / max(len(widths) - 1, 1)
        return LEFT + panel * (WIDE + GAP) + 10 + share * (WIDE - 20)

    def y(power: float) -> float:
        return TOP + HIGH * (high - power) / (high - low)

    def panel(number: int, batch: int) -> list[str]:
        begin, end = LEFT + number * (WIDE + GAP), LEFT + number * (WIDE + GAP) + WIDE
        parts = [text((begin + end) / 2, TOP - 8, f"batch {batch}")]
        for power in range(low, high + 1):
            parts.append(line(begin, y(power), end, y(power), GREY if power == 0 else LIGHT))
        for width in widths:
            parts.append(text(x(number, width), TOP + HIGH + 16, str(width), size=9))
        for peer, color in COLORS.items():
            spots = [
                (x(number, point["width"]), y(-log10(point["ratio"][peer])))
                for point in points
                if point["batch"] == batch and peer in point["ratio"]
            ]
            parts += [line(*a, *b, color, 2) for a, b in pairwise(spots)]
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{color}"/>' for a, b in spots]
        return parts

    right = LEFT + len(batches) * (WIDE + GAP)
    title = "How many times as long as sheer a step takes (above 1, sheer is faster)"
    parts = [text(LEFT, 24, title, size=15, anchor="start")]
    for i, (peer, color) in enumerate(COLORS.items()):
        parts.append(line(LEFT + 130 * i, 44, LEFT + 130 * i + 22, 44, color, 2))
        parts.append(text(LEFT + 130 * i + 28, 48, peer, anchor="start"))
    for power in range(low, high + 1):
        parts.append(text(LEFT - 8, y(power) + 4, f"{10.0**power:g}", anchor="end"))
    for number, batch in enumerate(batches):
        parts += panel(number, batch)
    parts.append(text((LEFT + right) / 2, TOP + HIGH + 36, "width of the layers"))
    size = f'width="{right}" height="{TOP + HIGH + 50}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    white = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head, white, *parts, "</svg>\n"])


def line(x1: float, y1: float, x2: float, y2: float, color: str, width: float = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{color}" stroke-width="{width}"/>'


def text(x: float, y: float, words: str, size: int = 12, anchor: str = "middle") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{GREY}">{words}</text>'

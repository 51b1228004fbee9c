"""A picture as SVG: one text, with a style of its own for light, dark and paper."""

from __future__ import annotations

import re
from html import escape

from sheer.inspect.picture.boxes import (
    ASIDE,
    PAD,
    PANEL,
    PANEL_MARGIN,
    STYLES,
    Box,
    Line,
    panel_of,
    size_of,
    width_of,
)
from sheer.inspect.picture.routes import Route

SANS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
HEAD = 8.0
LIGHT = {
    "ground": "#ffffff", "ink": "#182130", "muted": "#566172", "box": "#f8fafc",
    "edge": "#b9c4d2", "forward": "#1a5fc4", "forward-tint": "#eaf2fe",
    "backward": "#b4450b", "backward-tint": "#fdf0e7", "weights": "#fbf1ea",
    "fixed": "#edf0f4", "target": "#3d6b22", "target-tint": "#eef6e8", "frame": "#f1f4f9",
}  # fmt: skip
DARK = {
    "ground": "#11161e", "ink": "#e7ecf4", "muted": "#a2aec0", "box": "#1a222d",
    "edge": "#445063", "forward": "#7fb4ff", "forward-tint": "#14263f",
    "backward": "#ffae70", "backward-tint": "#33210f", "weights": "#2c231d",
    "fixed": "#252e3a", "target": "#a3d07f", "target-tint": "#1b2a13", "frame": "#161d27",
}  # fmt: skip
# What has which colour, by its class.
RULES = [
    (".ground", "fill", "ground"),
    ("text", "fill", "ink"),
    (".muted", "fill", "muted"),
    (".card", "fill", "box"),
    (".card", "stroke", "edge"),
    (".frame > .card", "fill", "frame"),
    (".rule", "stroke", "edge"),
    (".data > .card, .predictions > .card", "fill", "forward-tint"),
    (".data > .card, .predictions > .card", "stroke", "forward"),
    (".targets > .card", "fill", "target-tint"),
    (".targets > .card", "stroke", "target"),
    (".loss > .card, .optimizer > .card", "fill", "backward-tint"),
    (".loss > .card, .optimizer > .card", "stroke", "backward"),
    (".data .heading, .predictions .heading, text.forward", "fill", "forward"),
    (".loss .heading, .optimizer .heading, text.backward", "fill", "backward"),
    (".targets .heading", "fill", "target"),
    (".panel", "fill", "weights"),
    (".panel.fixed", "fill", "fixed"),
    (".bar", "fill", "backward"),
    ("path.forward", "stroke", "forward"),
    ("path.backward", "stroke", "backward"),
    ("path.targets", "stroke", "target"),
    (".head.forward", "fill", "forward"),
    (".head.backward", "fill", "backward"),
    (".head.targets", "fill", "target"),
]
ROOT = ".sheer-picture"


def _colours(colours: dict[str, str]) -> str:
    rules = []
    for selectors, what, name in RULES:
        where = ",".join(f"{ROOT} {selector.strip()}" for selector in selectors.split(","))
        rules.append(f"{where}{{{what}:{colours[name]}}}")
    return "\n".join(rules)


def style() -> str:
    """The rules of the picture, which touch nothing else in a page."""
    shapes = f"""
{ROOT} text{{font-family:{SANS};white-space:pre}}
{ROOT} .mono{{font-family:{MONO}}}
{ROOT} .bold{{font-weight:600}}
{ROOT} .heading{{letter-spacing:.06em}}
{ROOT} .card{{stroke-width:1.2}}
{ROOT} path.edge{{fill:none;stroke-width:1.7;stroke-linejoin:round;stroke-linecap:round}}
{ROOT} path.targets{{stroke-dasharray:.1 4.4;stroke-width:2.4}}
{ROOT} path.backward{{stroke-dasharray:6 4;stroke-linecap:butt}}
{ROOT} .head{{stroke:none}}"""
    dark = f"@media screen and (prefers-color-scheme:dark){{\n{_colours(DARK)}\n}}"
    return f"{shapes}\n{_colours(LIGHT)}\n{dark}\n"


FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe(text: str) -> str:
    """The text as XML may hold it."""
    return escape(FORBIDDEN.sub("\ufffd", text)).replace("\n", " ").replace("\r", " ")


def number(value: float) -> str:
    """With one digit behind the point, where there is something to say."""
    return f"{round(value, 1) + 0.0:.6g}"


def text(x: float, y: float, words: str, size: float, names: str = "", anchor: str = "") -> str:
    """A line of text that begins at x, with y on its base line."""
    where = f'x="{number(x)}" y="{number(y)}" font-size="{size:g}"'
    where += f' class="{names}"' if names else ""
    where += f' text-anchor="{anchor}"' if anchor else ""
    return f"<text {where}>{safe(words)}</text>"


def rectangle(x: float, y: float, w: float, h: float, names: str, radius: float) -> str:
    """A rectangle with round corners."""
    return (f'<rect class="{names}" x="{number(x)}" y="{number(y)}" width="{number(w)}" '
            f'height="{number(h)}" rx="{radius:g}"/>')  # fmt: skip


def box_of(box: Box, x: float, y: float, w: float, h: float, inside: str = "") -> str:
    """A box with its lines; inside: what a frame has in it."""
    kind = f"box {box.kind}" + (" frame" if box.inner is not None else "")
    parts = [f'<g class="{kind}"><title>{safe(box.says)}</title>']
    parts.append(rectangle(x, y, w, h, "card", 9))
    panel = panel_of(box.lines)
    if panel is not None:
        trained = any(line.style == "weight" for line in box.lines)
        names = "panel" if trained else "panel fixed"
        parts.append(rectangle(x + PAD - 4, y + panel[0], w - 2 * PAD + 8, panel[1], names, 5))
    at = y + 8
    if box.inner is None and panel is None:
        at += (h - size_of(box.lines)[1]) / 2
    before = ""
    for line in box.lines:
        at += PANEL_MARGIN * ((line.style in PANEL) != (before in PANEL))
        before = line.style
        parts += _line(line, x, at, w)
        if line.style == "weight" and box.is_trained:
            parts.append(rectangle(x + PAD - 4, at, 3, STYLES["weight"][1], "bar", 0))
        at += STYLES[line.style][1]
    if box.inner is not None:
        below = number(y + size_of(box.lines)[1])
        parts.append(f'<path class="rule" d="M{number(x)},{below} H{number(x + w)}"/>')
        parts.append(inside)
    return "\n".join([*parts, "</g>"])


def _line(line: Line, x: float, top: float, w: float) -> list[str]:
    size, height, mono, bold = STYLES[line.style]
    base = top + height / 2 + size * 0.36
    indent = 7 if line.style in PANEL else 0
    names = "mono" * mono + "bold" * bold
    if line.style == "heading":
        names += " heading"
    if line.style in ("foot", "text", "fixed"):
        names += " muted"
    left = text(x + PAD + indent, base, line.left, size, names.strip())
    if not line.right:
        return [left]
    right_size, right_mono = (ASIDE, False) if line.style == "title" else (size, mono)
    names = "mono muted" if right_mono else "muted"
    return [left, text(x + w - PAD - indent, base, line.right, right_size, names, "end")]


def route_of(route: Route, place: Placing) -> str:
    """A line with its head."""
    parts = []
    steps = [(letter, [place.point(*p) for p in points]) for letter, points in route.steps]
    end = steps[-1][1][-1]
    before = steps[-1][1][-2] if len(steps[-1][1]) > 1 else steps[-2][1][-1]
    dx, dy = end[0] - before[0], end[1] - before[1]
    norm = (dx * dx + dy * dy) ** 0.5 or 1.0
    dx, dy = dx / norm, dy / norm
    if route.has_head:
        back = (end[0] - dx * HEAD, end[1] - dy * HEAD)
        stop = (end[0] - dx * (HEAD - 1.5), end[1] - dy * (HEAD - 1.5))
        steps[-1][1][-1] = stop
        wide = HEAD * 0.48
        corners = [end, (back[0] - dy * wide, back[1] + dx * wide),
                   (back[0] + dy * wide, back[1] - dx * wide)]  # fmt: skip
        shape = "M" + " L".join(f"{number(a)},{number(b)}" for a, b in corners) + " Z"
        parts.append(f'<path class="head {route.kind}" d="{shape}"/>')
    path = " ".join(
        letter + " ".join(f"{number(a)},{number(b)}" for a, b in points) for letter, points in steps
    )
    return "\n".join([f'<path class="edge {route.kind}" d="{path}"/>', *parts])


class Placing:
    """Where across and along are on the page."""

    def __init__(self, x: float, y: float, is_down: bool):
        self.x, self.y, self.is_down = x, y, is_down

    def point(self, across: float, along: float) -> tuple[float, float]:
        """The point in x and y."""
        return (self.x + across, self.y + along) if self.is_down else \
            (self.x + along, self.y + across)  # fmt: skip

    def inside(self, across: float, along: float) -> Placing:
        """The same with its origin at this point."""
        return Placing(*self.point(across, along), self.is_down)


def legend(x: float, y: float, is_trained: bool, has_targets: bool) -> tuple[str, float]:
    """What the lines mean, and how wide it is."""
    entries = [("forward", "forward: values")]
    if has_targets:
        entries.append(("targets", "targets"))
    if is_trained:
        entries.append(("backward", "backward: gradients, new weights"))
    parts, at = [], x
    for kind, words in entries:
        route = Route(kind)
        route.line(at, y)
        route.line(at + 34, y)
        parts.append(route_of(route, Placing(0, 0, True)))
        parts.append(text(at + 42, y + 4.2, words, 12, "muted"))
        at += 42 + width_of(words, 12, False) + 22
    return "\n".join(parts), at - x

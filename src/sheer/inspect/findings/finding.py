"""Finding: what the doctor says. Rule: what finds it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sheer.core.text import without_controls
from sheer.program.rows import Row

if TYPE_CHECKING:
    from sheer.inspect.findings.seen import Seen


@dataclass(frozen=True)
class Finding:
    """Something in a training that is not as it should be, in plain words.

    Args:
        name: that of the rule, such as `"dead_units"`.
        title: one line.
        text: what was seen, in numbers; what it means; what to try.
        layer: the layer concerned; empty where it is the whole model.
        line: the number of the program's line, and `source` its text; None where there is none.
        epoch, batch: where in the training it was found, from 0 on; the batch is None for what the
            figures of an epoch tell.
        evidence: the numbers in the text, by name.
    """

    name: str
    title: str
    text: str
    layer: str = ""
    line: int | None = None
    source: str = ""
    epoch: int = 0
    batch: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """As it is printed: at most 80 columns wide."""
        return self.shown(80)

    def shown(self, width: int, before: str = "") -> str:
        """The title, behind what comes before it; the line of the program; the text."""
        place = f"(epoch {self.epoch + 1}"
        place += ")" if self.batch is None else f", batch {self.batch + 1:,})"
        lines = _broken(f"{before}{self.title} {place.replace(' ', FIXED)}", width, "")
        if self.line is not None:
            lines += _broken(f"line {self.line}: {self.source}", width)
        for paragraph in self.text.splitlines():
            lines += _broken(paragraph, width)
        return "\n".join(lines)


# A space at which no line breaks.
FIXED = "\u00a0"


def _broken(text: str, width: int, inset: str = "  ") -> list[str]:
    """A paragraph, set in, and further where it is already."""
    indent = inset + " " * (len(text) - len(text.lstrip(" ")))
    found = textwrap.wrap(
        text.strip().replace(" %", f"{FIXED}%"),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [without_controls(line.replace(FIXED, " ")) for line in found]


class Rule:
    """One thing that the doctor looks for, over the steps and epochs of one training.

    A subclass has `name`, and `step`, `epoch` or both; it keeps what it has to remember. What they
    give is told once for each layer, or with `once` for the whole training. It must be cheap: it
    is run on each recorded step.
    """

    name = ""
    once = False

    def step(self, seen: Seen) -> Iterable[Finding]:
        """Look at a recorded step."""
        return ()

    def epoch(self, epoch: int, logs: dict[str, float]) -> Iterable[Finding]:
        """Look at the figures of an epoch (they count from 0)."""
        return ()

    def finding(
        self,
        seen: Seen,
        title: str,
        text: str,
        row: Row | None = None,
        layer: str | None = None,
        **evidence: Any,
    ) -> Finding:
        """A finding of this rule, in a recorded step; `row` is the line that shows it."""
        return Finding(
            self.name,
            title,
            text,
            layer if layer is not None else row.part if row else "",
            row.first if row else None,
            row.source if row else "",
            seen.epoch,
            seen.batch,
            evidence,
        )


RULES: list[type[Rule]] = []


def rule(cls: type[Rule]) -> type[Rule]:
    """Enter a rule: the doctor then looks for it."""
    RULES.append(cls)
    return cls


def percent(share: float) -> str:
    """A share in words: `62 %`, `0.4 %`.

    >>> percent(0.625), percent(0.004), percent(1.0)
    ('62 %', '0.4 %', '100 %')
    """
    value = 100 * share
    return f"{value:.0f} %" if value >= 1 or value == 0 else f"{value:.2g} %"

"""Who listens while ops are called: at most one trace, and any number of gradient tapes.

The ops know only these two interfaces; `sheer.trace` and `sheer.autodiff` implement them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(eq=False)
class Call:
    """One call of an op: what went in, what came out.

    `inputs` holds an operand for each tensor argument, a list of them where the op takes a list,
    and None for one left out. `attrs` are all the other arguments.
    """

    op: Any
    inputs: list[Any]
    attrs: dict[str, Any]
    outputs: list[Any] = field(default_factory=list)
    # Set when a rewrite rule answered with a simpler call: tapes then have both.
    rewritten: bool = False
    # Where in the model it was made, for the program's headings and comments.
    place: Any = None

    def operands(self) -> list[Any]:
        """The inputs as one flat list, without those left out."""
        flat: list[Any] = []
        for value in self.inputs:
            flat += value if isinstance(value, list) else [value]
        return [value for value in flat if value is not None]


class TraceListener(Protocol):
    """What a trace offers to ops and variables."""

    def simplify(self, call: Call) -> Any: ...
    def record(self, call: Call) -> Call: ...
    def size(self, dim: Any) -> Any: ...
    def read(self, variable: Any) -> Any: ...
    def assign(self, variable: Any, value: Any) -> None: ...


class TapeListener(Protocol):
    """What a tape offers to ops and variables."""

    def record(self, call: Call) -> None: ...
    def variable_read(self, variable: Any, value: Any) -> None: ...


_trace: ContextVar[TraceListener | None] = ContextVar("trace", default=None)
_tapes: ContextVar[tuple[TapeListener, ...]] = ContextVar("tapes", default=())

current_trace = _trace.get
open_tapes = _tapes.get


@contextmanager
def tracing(trace: TraceListener | None) -> Iterator[None]:
    """Ops inside are written down by this trace."""
    token = _trace.set(trace)
    try:
        yield
    finally:
        _trace.reset(token)


def push_tape(tape: TapeListener) -> None:
    """Start to tell a tape of each call."""
    _tapes.set((*_tapes.get(), tape))


def pop_tape(tape: TapeListener) -> None:
    """Stop telling it."""
    _tapes.set(tuple(t for t in _tapes.get() if t is not tape))


@contextmanager
def computing() -> Iterator[None]:
    """Ops inside compute at once, unseen by any trace or tape: for building weights."""
    trace, tapes = _trace.set(None), _tapes.set(())
    try:
        yield
    finally:
        _trace.reset(trace)
        _tapes.reset(tapes)

"""Who listens while ops are called: at most one trace, and any number of gradient tapes.

The ops know only these two interfaces; `sheer.trace` and `sheer.autodiff` implement them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
            if type(value) is list:
                flat += value
            elif value is not None:
                flat.append(value)
        return flat


class TraceListener(Protocol):
    """What a trace offers to ops and variables."""

    def simplify(self, call: Call) -> Any: ...
    def record(self, call: Call) -> Call: ...
    def size(self, dim: Any) -> Any: ...
    def read(self, variable: Any) -> Any: ...
    def assign(self, variable: Any, value: Any) -> None: ...


class TapeListener(Protocol):
    """What a tape offers to ops and variables."""

    def watches(self, call: Call) -> bool: ...
    def knows(self, call: Call) -> bool: ...
    def record(self, call: Call) -> None: ...
    def variable_read(self, variable: Any, value: Any) -> None: ...


_trace: ContextVar[TraceListener | None] = ContextVar("trace", default=None)
_tapes: ContextVar[tuple[TapeListener, ...]] = ContextVar("tapes", default=())
# Tapes that are open, but told nothing for the moment.
_paused: ContextVar[tuple[TapeListener, ...]] = ContextVar("paused", default=())

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
def pausing(*paused: TapeListener) -> Iterator[None]:
    """Ops inside are not told to these tapes."""
    tapes = _tapes.set(tuple(t for t in _tapes.get() if t not in paused))
    known = _paused.set((*_paused.get(), *paused))
    try:
        yield
    finally:
        _paused.reset(known)
        _tapes.reset(tapes)


def known_alike(call: Call, earlier: Call) -> bool:
    """Whether every tape has recorded the earlier call just if it would record this one.

    Only then may the earlier result stand for both: a value that a tape has seen being made leads
    back to its sources, an equal value made elsewhere is a constant.
    """
    return all(t.knows(earlier) == t.watches(call) for t in _tapes.get()) and not any(
        t.knows(earlier) for t in _paused.get()
    )


def pausing_for(call: Call) -> AbstractContextManager[None]:
    """Pause, while a call is made simpler, the tapes that do not follow it and what made its
    operands: to them the simpler call would lead to sources that this one does not lead to."""
    makers = [x.source for x in call.operands() if getattr(x, "source", None) is not None]
    return pausing(
        *(
            t
            for t in _tapes.get()
            if not t.watches(call) or any(t.watches(m) and not t.knows(m) for m in makers)
        )
    )


@contextmanager
def computing() -> Iterator[None]:
    """Ops inside compute at once, unseen by any trace or tape: for building weights."""
    trace, tapes = _trace.set(None), _tapes.set(())
    try:
        yield
    finally:
        _trace.reset(trace)
        _tapes.reset(tapes)

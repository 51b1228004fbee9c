"""GradientTape: writes down the calls of ops, then walks back through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from sheer.autodiff.backward import name_gradient, walk
from sheer.core import tree
from sheer.core.dtypes import is_float
from sheer.core.scope import section
from sheer.core.shapes import show
from sheer.ops import recording
from sheer.ops.arithmetic import cast
from sheer.ops.operand import Operand
from sheer.ops.recording import Call
from sheer.ops.shaping import ones_like, zeros_like
from sheer.ops.variable import Variable

BACKWARD = "backward: the chain rule, last layer first"


class GradientTape:
    """Watches a computation and gives its gradients, as in TensorFlow.

    Trainable Variables are watched when they are read; other tensors after `watch`.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: False to watch only what `watch` names.

    Example:

    >>> import sheer
    >>> x = sheer.Variable(3.0)
    >>> with sheer.GradientTape() as tape:
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0

    Gradients of gradients come from a tape around a tape:

    >>> with sheer.GradientTape() as outer:
    ...     with sheer.GradientTape() as inner:
    ...         y = x * x * x
    ...     slope = inner.gradient(y, x)
    >>> float(outer.gradient(slope, x))
    18.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self._open = False
        self._used = False
        self.reset()

    def reset(self) -> None:
        """Forget all that was recorded."""
        self._calls: list[Call] = []
        self._alternatives: dict[int, list[Call]] = {}
        self._made: set[int] = set()
        # Values under watch; kept here, so that no other value can get their id().
        self._watched: dict[int, Any] = {}
        self._variables: dict[int, tuple[Variable, list[Any]]] = {}

    def __enter__(self) -> Self:
        if self._open:
            raise RuntimeError("GradientTape: this tape is recording already.")
        self._open, self._used = True, False
        recording.push_tape(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        recording.pop_tape(self)

    def watch(self, tensor: Any) -> None:
        """Watch a tensor, or a structure of tensors, that is not a trainable Variable."""
        for value in tree.leaves(tensor):
            if isinstance(value, Variable):
                self._variables.setdefault(id(value), (value, []))
                continue
            if not isinstance(value, Operand):
                raise TypeError(
                    f"GradientTape.watch: only a Tensor or Variable can be "
                    f"watched. Got {value!r}.\n"
                    "Make one of it first: x = ops.convert_to_tensor(x)."
                )
            if not is_float(value.dtype):
                raise TypeError(
                    f"GradientTape.watch: only floats have gradients. Got dtype {value.dtype}."
                )
            self._watched[id(value)] = value

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Computations inside are not recorded."""
        if not self._open:
            raise RuntimeError("GradientTape.stop_recording: this tape is not recording.")
        with recording.pausing(self):
            yield

    def watched_variables(self) -> tuple[Variable, ...]:
        """The Variables that were read, in the order of their first reading."""
        return tuple(variable for variable, _ in self._variables.values())

    def variable_read(self, variable: Variable, value: Any) -> None:
        """A listener's part: a Variable was read and gave this value."""
        known = self._variables.get(id(variable))
        if known is None:
            if not (variable.trainable and self.watch_accessed_variables):
                return
            known = self._variables[id(variable)] = (variable, [])
        if all(value is not seen for seen in known[1]):
            known[1].append(value)
        self._watched[id(value)] = value

    def watches(self, call: Call) -> bool:
        """A listener's part: whether a gradient can pass through a call to something watched."""
        return bool(call.op.slopes) and any(id(x) in self._watched for x in call.operands())

    def knows(self, call: Call) -> bool:
        """A listener's part: whether a call has been recorded."""
        return bool(call.outputs) and id(call.outputs[0]) in self._made

    def record(self, call: Call) -> None:
        """A listener's part: an op was called."""
        if not self.watches(call):
            return
        key = id(call.outputs[0])
        if key in self._made:
            # The same value a second time: as the user wrote it, or found again by the trace.
            if call.rewritten:
                self._alternatives.setdefault(key, []).append(call)
            return
        self._made.add(key)
        self._calls.append(call)
        for y in call.outputs:
            if is_float(y.dtype):
                self._watched[id(y)] = y

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient of the target by each source.

        Args:
            target: a tensor, or a structure of several, whose gradients are added.
            sources: Variables or watched tensors: one, or a list, tuple or dict of them. The
                answer has the same structure.
            output_gradients: for each target, the gradient to begin with; ones by default.
            unconnected_gradients: what to give for a source on which the target does not depend:
                `"none"` or `"zero"`.
        """
        if self._used and not self.persistent:
            raise RuntimeError(
                "GradientTape.gradient was called twice on a tape that is not persistent.\n"
                "Make it with GradientTape(persistent=True)."
            )
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(
                f"unconnected_gradients must be 'none' or 'zero'. Got {unconnected_gradients!r}."
            )
        self._used = True
        if self._open and not self.persistent:
            recording.pop_tape(self)
        wanted = {id(v) for s in tree.leaves(sources) for v in self._values_of(s)}
        with section(BACKWARD):
            gradients = walk(
                list(self._calls),
                self._seeds(target, output_gradients),
                wanted,
                self._alternatives,
            )
            answer = tree.map_tree(
                lambda s: self._total(s, gradients, unconnected_gradients), sources
            )
        if not self.persistent:
            self.reset()
        return answer

    def _seeds(self, target: Any, output_gradients: Any) -> dict[int, Any]:
        targets = tree.leaves(target)
        if output_gradients is None:
            starts = [None] * len(targets)
        elif isinstance(target, (list, tuple, dict)) or _is_list_of_one(output_gradients):
            starts = tree.leaves(output_gradients)
        else:
            starts = [output_gradients]
        if len(starts) != len(targets):
            raise ValueError(
                f"GradientTape.gradient: {len(targets)} targets, {len(starts)} output_gradients."
            )
        seeds: dict[int, Any] = {}
        for y, start in zip(targets, starts, strict=True):
            for value in self._values_of(y):
                seed = _seed(value, start)
                seeds[id(value)] = seed if id(value) not in seeds else seeds[id(value)] + seed
        return seeds

    def _values_of(self, source: Any) -> list[Any]:
        if isinstance(source, Variable):
            known = self._variables.get(id(source))
            return known[1] if known else []
        return [source]

    def _total(self, source: Any, gradients: dict[int, Any], unconnected: str) -> Any:
        total = None
        for value in self._values_of(source):
            part = gradients.get(id(value))
            # A target that was never watched is no source.
            if part is None or id(value) not in self._watched:
                continue
            name_gradient(part, value)
            total = part if total is None else total + part
        if total is None and unconnected == "zero":
            return zeros_like(source)
        return total


def _is_list_of_one(value: Any) -> bool:
    """Whether it is a list of one tensor, as TensorFlow takes it for one target too."""
    return isinstance(value, (list, tuple)) and len(value) == 1 and hasattr(value[0], "dtype")


def _seed(target: Any, start: Any) -> Any:
    """The gradient to begin with, in the dtype of its target."""
    if not isinstance(target, Operand) or not is_float(target.dtype):
        raise TypeError(
            f"GradientTape.gradient: a target must be a tensor of floats. Got {target!r}."
        )
    if start is None:
        return ones_like(target)
    start = cast(start, target.dtype)
    if start.shape != target.shape:
        raise ValueError(
            "GradientTape.gradient: output_gradients need the shapes of their targets.\n"
            f"  target          {show(target.shape)}\n"
            f"  output_gradient {show(start.shape)}"
        )
    return start

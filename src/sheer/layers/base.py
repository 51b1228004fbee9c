"""Layer: arguments, weights, call."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer import constraints, initializers, regularizers
from sheer.core import config, naming, tree
from sheer.core.dtypes import is_float, standardize_dtype
from sheer.core.objects import take_call, take_room
from sheer.core.registry import Configurable, Registry, refuse
from sheer.core.scope import part
from sheer.core.shapes import map_shapes, show, with_none
from sheer.layers.input_spec import check_inputs
from sheer.layers.masks import carry_masks, with_masks
from sheer.layers.structure import Structure
from sheer.ops.arithmetic import cast, divide
from sheer.ops.declare import operand
from sheer.ops.node import Node, called_on_symbols, holds_symbols
from sheer.ops.operand import Operand
from sheer.ops.random import SeedGenerator
from sheer.ops.recording import computing, current_trace
from sheer.ops.shaping import shape as shape_of
from sheer.ops.symbol import Symbol, named
from sheer.ops.variable import Variable

LAYERS = Registry("layer")
PLAIN = {str, int, float, bool, type(None), type(lambda: None)}
# Arguments of add_weight; the name of a weight until its attribute is known.
ADD_WEIGHT = ("shape", "initializer", "dtype", "trainable", "regularizer", "constraint", "name")
UNNAMED = "variable"
# What older versions of Keras had, and what is written now.
GONE = {
    "add_metric": "keep a metric in an attribute, and call its update_state in call",
    "add_update": "assign to the weight in call",
    "add_variable": "use add_weight",
}


@dataclass(frozen=True)
class Calling:
    """The layers whose `call` runs now, outermost first, and whether they train."""

    path: tuple[str, ...] = ()
    depth: int = 0
    training: bool | None = None
    layer: Layer | None = None  # the innermost

    def within(self, layer: Layer, training: bool | None) -> Calling:
        """Inside of this layer's call too."""
        is_named = layer.in_path or self.depth
        path = (*self.path, layer.name) if is_named else self.path
        return Calling(path, self.depth + 1, training, layer)


_calling: ContextVar[Calling] = ContextVar("calling", default=Calling())  # noqa: B039 (frozen)


def in_training() -> bool | None:
    """Whether the layers train, where the call that runs now was told."""
    return _calling.get().training


@contextmanager
def inside(layer: Layer) -> Iterator[None]:
    """Calls inside are those of this layer's parts."""
    calling = _calling.get()
    token = _calling.set(calling.within(layer, calling.training))
    try:
        yield
    finally:
        _calling.reset(token)


def _once(build: Callable[..., None]) -> Callable[..., None]:
    """A layer's `build` that does nothing where the layer is built, and notes that it is."""

    @wraps(build)
    def noted(self: Layer, *args: Any, **kwargs: Any) -> None:
        if not self.built:
            with computing():
                build(self, *args, **kwargs)
            self._build_shape = next(iter([*args, *kwargs.values()]), None)
            self._name_weights()
            self.built = True

    return noted


@cache
def _takes_training(layer: type, is_unknown: bool) -> bool:
    """Whether the layers of this class are told if they train; where that is not known, those are
    that have no default of their own."""
    found = inspect.signature(layer.call).parameters.get("training")  # type: ignore[attr-defined]
    return found is not None and (not is_unknown or found.default is found.empty)


class Layer(Configurable):
    """The base of layers, and of users' own.

    A subclass makes its weights in `build(input_shape)` (or in `__init__`) with `add_weight`, and
    computes in `call(inputs)` with ops. Layers and Variables in its attributes, also in lists and
    dicts, are its parts: their weights are its weights.

    Args:
        activity_regularizer: a penalty on the output, divided by the number of examples.
        trainable: whether its weights are trained.
        dtype: of its weights and float inputs; `config.floatx()` by default.
        name: unique within a model; `"dense"`, `"dense_1"`, ... by default.

    Example:

    >>> import sheer
    >>> class Scale(sheer.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.scale = self.add_weight((input_shape[-1],), initializer="ones", name="scale")
    ...     def call(self, inputs):
    ...         return inputs * self.scale
    >>> Scale()(sheer.ops.ones((1, 2))).numpy()
    array([[1., 1.]], dtype=float32)
    """

    lacks = {"autocast": True}
    # A model of its own is no part of the paths of its weights.
    in_path = True
    # Whether masks of the inputs are carried on to the outputs; so they are where a class has a
    # compute_mask of its own.
    supports_masking = False
    # Whether `call` runs a function that a user wrote.
    calls_users_code = False
    # How often it has learned something that stands in programs as it is, such as a vocabulary.
    adapted = 0

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        self._refuse(kwargs)
        self.name = name or naming.auto_name(self)
        if not isinstance(self.name, str):
            raise TypeError(f"{type(self).__name__}: name must be a string. Got {name!r}.")
        self.dtype = standardize_dtype(dtype or config.floatx())
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        # What it wants its first argument to be: an InputSpec, or a structure of them.
        self.input_spec: Any = None
        self._build_shape: Any = None
        self.path = self.name
        # With None for the batch size; for several outputs, a structure of shapes.
        self.output_shape: Any = None
        self._trainable = trainable
        self._weights: list[Variable] = []
        # The weights that are not trained only because `trainable = False` was said.
        self._frozen: set[Variable] = set()
        self._added_losses: list[Any] = []
        # Its calls on symbols that belong to no program: what models are put together from.
        self._inbound_nodes: list[Node] = []

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            if "_weights" not in vars(self) and not name.startswith("__"):
                raise RuntimeError(
                    f"{type(self).__name__}: call super().__init__() at the start of __init__()."
                )
            if name in GONE:
                raise AttributeError(
                    f"{type(self).__name__}.{name} is not in Keras 3: {GONE[name]}."
                )
            found = getattr(type(self), name, None)
            if isinstance(found, property):
                return found.fget(self)  # it says itself what is missing
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "compute_mask" in vars(cls) and "supports_masking" not in vars(cls):
            cls.supports_masking = True
        if "build" in vars(cls) and cls.in_path:
            cls.build = _once(cls.build)  # type: ignore[method-assign]

    def _refuse(self, given: dict[str, Any]) -> None:
        for name in ("input_shape", "batch_input_shape", "input_dim"):
            if name in given:
                raise TypeError(
                    f"{type(self).__name__}: {name} is not an argument of layers. Say the shape of "
                    "the data once, at the start: Sequential([Input((784,)), ...])."
                )
        self.refuse(given)

    # --- what a subclass writes -----------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights. input_shape: a tuple, None for the batch size.

        It is called at the first call of the layer, unless it was called before.
        """

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The output for an input, computed with ops. It may take `training`."""
        raise NotImplementedError(f"{type(self).__name__} needs a method call(inputs).")

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output, from the inputs and their masks: by default the one given.

        True where an entry counts; None for no mask. A layer that has it computes it at each call,
        where `supports_masking` is True.
        """
        return previous_mask

    def formula(self) -> str:
        """What it computes, in one line: the comment beside its name in programs."""
        return type(self).__name__

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Variable:
        """A new weight.

        Args:
            shape: a tuple; a single number by default.
            initializer: glorot_uniform by default, zeros for whole numbers and booleans.
            dtype: that of the layer by default.
            regularizer: its penalty is added to the loss. constraint: applied after each update.
            name: by default that of the attribute it is kept in: `scale` for `self.scale`.
        """
        lacked = {"autocast": True, "aggregation": "none", "overwrite_with_gradient": False}
        refuse(f"{self.name}.add_weight", kwargs, lacked, ADD_WEIGHT)
        if _calling.get().layer is self and self.built:
            raise ValueError(
                f"{self.name}.add_weight: not in call(), where each call would make another weight."
                " Make weights in __init__() or build()."
            )
        dtype = standardize_dtype(dtype or self.dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        size = (shape,) if isinstance(shape, int) else tuple(shape or ())
        take_room(math.prod(size) * np.dtype(dtype).itemsize, f"{self.name}: a weight {size}")
        with computing():
            weight = Variable(
                initializers.get(initializer), size, dtype, trainable, name or UNNAMED
            )
        weight.regularizer = regularizers.get(regularizer)
        weight.constraint = constraints.get(constraint)
        self._weights.append(weight)
        self._name_weights()
        if not self._trainable:
            self._freeze(weight)
        return weight

    def _name_weights(self) -> None:
        """Give weights without a name that of their attribute, and all of them their path."""
        kept: dict[int, str] = {}
        for name, value in vars(self).items():
            if isinstance(value, (list, tuple)) and value is not self._weights:
                kept |= {id(v): f"{name}_{i}" for i, v in enumerate(value)}
            elif isinstance(value, dict):
                kept |= {id(v): f"{name}_{key}" for key, v in value.items()}
            else:
                kept[id(value)] = name
        for weight in self._weights:
            if weight.name == UNNAMED:
                weight.name = kept.get(id(weight), UNNAMED)
            weight.path = f"{self.path}/{weight.name}"
        for seeds in vars(self).values():
            if isinstance(seeds, SeedGenerator):
                name = kept[id(seeds)].removesuffix("_generator").strip("_")
                seeds.state.path = f"{self.path}/{name}"

    def add_loss(self, loss: Any) -> None:
        """Add a scalar to the losses of this call."""
        self._added_losses += loss if isinstance(loss, (list, tuple)) else [loss]

    # --- calling --------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Build it if need be, then compute. On symbols outside of any program, as `Input` makes
        them: the symbols of the outputs, of which a model can be made."""
        if current_trace() is None and holds_symbols(args, kwargs):
            return self._called_on_symbols(args, kwargs)
        take_call(self.name)
        args = tree.map_tree(self._converted, args)
        calling = _calling.get()
        training = kwargs.pop("training", None)
        training = calling.training if training is None else bool(training)
        kwargs = {k: tree.map_tree(self._converted, v) for k, v in kwargs.items()}
        inner = calling.within(self, training)
        if self.input_spec is not None:
            check_inputs(self, args[0] if args else next(iter(kwargs.values()), None))
        self._build_for(args or tuple(kwargs.values()), inner.path)
        if _takes_training(type(self), training is None):  # type: ignore[arg-type]
            kwargs["training"] = training
        kwargs = with_masks(self, args, kwargs)
        token = _calling.set(inner)
        try:
            with part("/".join(inner.path), self.formula()):
                if not calling.depth:
                    for layer in self._flatten_layers():
                        if layer._added_losses:
                            layer._added_losses = []
                outputs = self.call(*args, **kwargs)
                if isinstance(outputs, Symbol) and not outputs.output_of:
                    outputs.output_of = self.name
                self._penalize(outputs)
                inputs = args[0] if args else next(iter(kwargs.values()), None)
                carry_masks(self, inputs, kwargs.get("mask"), outputs)
        finally:
            _calling.reset(token)
        shapes = tree.map_tree(_shape_of_output, outputs)
        # The same object stays, so that the structure does not seem changed.
        self.output_shape = self.output_shape if shapes == self.output_shape else shapes
        return outputs

    def _called_on_symbols(self, args: Any, kwargs: Any) -> Any:
        before = {id(layer): layer._added_losses for layer in self._flatten_layers()}
        try:
            return called_on_symbols(self, args, kwargs)
        finally:
            # Those of this call are of no program.
            for layer in self._flatten_layers():
                layer._added_losses = before.get(id(layer), [])

    def _converted(self, value: Any) -> Any:
        """Arrays as Tensors, floats in the layer's dtype; masks stay."""
        value = as_operand(value)
        is_other = isinstance(value, Operand) and value.dtype != self.dtype
        if not is_other or not is_float(value.dtype):
            return value
        found = cast(value, self.dtype)
        found._keras_mask = getattr(value, "_keras_mask", None)
        return found

    def _build_for(self, args: Any, path: tuple[str, ...]) -> None:
        if self.built:
            return
        self.path = "/".join(path) or self.name
        self._name_weights()
        shapes = tree.map_tree(
            lambda x: with_none(shape_of(x)) if isinstance(x, Operand) else x,
            args[0] if args else (),
        )
        with computing():
            self.build(shapes)
        self._name_weights()
        self.built = True

    def _penalize(self, outputs: Any) -> None:
        if self.activity_regularizer is not None:
            for output in tree.leaves(outputs):
                # The penalty of a batch is a mean over its examples, as in Keras.
                penalty = divide(self.activity_regularizer(output), output.shape[0])
                self.add_loss(named(f"{self.name}_penalty", penalty))

    # --- parts ----------------------------------------------------------------------------

    def parts(self) -> Iterator[Layer | Variable | SeedGenerator]:
        """The layers, Variables and seed generators in the attributes, in the order in which these
        were made."""
        seen: set[int] = set()
        # Most attributes are neither parts nor structures, and this is asked at every call.
        for value in [v for v in vars(self).values() if type(v) not in PLAIN]:
            for leaf in tree.leaves(value):
                is_part = isinstance(leaf, (Layer, Variable, SeedGenerator))
                if is_part and id(leaf) not in seen:
                    seen.add(id(leaf))
                    yield leaf

    def saved_variables(self) -> dict[str, Any]:
        """Its own weights by their numbers in Keras's files: those that are trained come first."""
        own = [part for part in self.parts() if isinstance(part, Variable)]
        own.sort(key=lambda v: not (v.trainable or v in self._frozen))
        return {str(i): v for i, v in enumerate(own)}

    def _flatten_layers(self) -> list[Layer]:
        """This layer and all layers inside it, each once."""
        return self._structure().layers

    @property
    def weights(self) -> list[Variable]:
        """All weights: its own, then those of its layers."""
        return list(self._structure().weights)

    @property
    def variables(self) -> list[Variable]:
        """All weights, and the states of all seed generators."""
        structure = self._structure()
        return [*structure.weights, *structure.seeds]

    def __getstate__(self) -> dict[str, Any]:
        """What a copy gets (`copy.deepcopy`, `pickle`): all but what is found again."""
        return {k: v for k, v in vars(self).items() if k != "_known_structure"}

    def _structure(self) -> Structure:
        """The layers and weights inside, found anew when an attribute has changed."""
        known: Structure | None = vars(self).get("_known_structure")
        if known is None or not known.is_current():
            # Made first: it is an attribute too.
            known = self._known_structure = Structure()
            known.find(self)
        return known

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [v for v in self.weights if v.trainable]

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return [v for v in self.weights if not v.trainable]

    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained; setting it sets it for all parts.

        Weights made with `trainable=False` are never trained.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._trainable = bool(value)
            for weight in layer.parts():
                if isinstance(weight, Variable):
                    layer._thaw(weight) if value else layer._freeze(weight)

    def _freeze(self, weight: Variable) -> None:
        if weight.trainable:
            weight.trainable = False
            self._frozen.add(weight)

    def _thaw(self, weight: Variable) -> None:
        if weight in self._frozen:
            weight.trainable = True
            self._frozen.remove(weight)

    @property
    def losses(self) -> list[Any]:
        """The penalties of its weights, and what `add_loss` added in the last call; scalars."""
        penalties = []
        for weight in self.trainable_weights:
            if weight.regularizer is not None:
                penalties.append(weight.regularizer(weight.value))
        for layer in self._flatten_layers():
            penalties += layer._added_losses
        return penalties

    @property
    def input(self) -> Any:
        """The symbol, or the symbols, of its first call on any."""
        inputs = self._first_node("input").inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self) -> Any:
        """The symbol, or the symbols, that its first call on symbols gave."""
        outputs = self._first_node("output").outputs
        return outputs[0] if len(outputs) == 1 else outputs

    def _first_node(self, wanted: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(
                f"Layer {self.name!r} has no {wanted} yet: it was never called on a symbol, such "
                "as Input gives, nor is it part of a model whose input shape is known."
            )
        return self._inbound_nodes[0]

    def count_params(self) -> int:
        """How many numbers its weights hold."""
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of the weights, as NumPy arrays."""
        return [v.numpy().copy() for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set all weights, in the order of `weights`. Nothing is changed where a shape is wrong."""
        wrong = []
        if len(weights) != len(self.weights):
            raise ValueError(
                f"{self.name}.set_weights: {len(weights)} arrays for {len(self.weights)} weights"
                f" ({', '.join(v.path for v in self.weights) or 'the layer is not built yet'})."
            )
        for variable, value in zip(self.weights, weights, strict=True):
            if np.shape(value) != variable.shape:
                wrong.append(
                    f"  {variable.path} {show(variable.shape)}, given {show(np.shape(value))}"
                )
        if wrong:
            raise ValueError(f"{self.name}.set_weights: shapes differ.\n" + "\n".join(wrong))
        for variable, value in zip(self.weights, weights, strict=True):
            variable.assign(value)
            # Scripts can no longer make this value from a seed.
            variable.initializer = None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for an input of this shape, None for the batch size; for several
        inputs or outputs a structure of shapes.

        By default found by calling the layer on symbols, which builds it.
        """
        inputs = map_shapes(lambda shape: Symbol(shape, self.dtype), input_shape)
        return tree.map_tree(lambda x: with_none(x.shape), self.compute_output_spec(inputs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbols like the outputs of a call on such symbols: their shapes and dtypes."""
        before = self._inbound_nodes.copy()
        try:
            return self(*args, **kwargs)
        finally:
            self._inbound_nodes = before

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape that it was built for, None where it makes no weights from one."""
        return None if self._build_shape is None else {"input_shape": self._build_shape}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Build it for the shape that `get_build_config` gave."""
        if config and config.get("input_shape") is not None:
            self.build(map_shapes(tuple, config["input_shape"]))

    @property
    def variable_dtype(self) -> str:
        """The dtype of its weights."""
        return self.dtype

    # In Keras these may differ: sheer has no mixed precision.
    compute_dtype = input_dtype = dtype_policy = variable_dtype

    def quantize(self, mode: str | None = None, **kwargs: Any) -> None:
        """Refused: sheer computes with floats only."""
        raise NotImplementedError(
            f"{self.name}.quantize is in Keras, but not in sheer. Got mode={mode!r}."
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        defaults = {"activity_regularizer": None}
        config = super().get_config()
        return {k: v for k, v in config.items() if k not in defaults or v is not None}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def as_operand(value: Any) -> Any:
    """An array as a Tensor; what is no array as it is."""
    return operand(value) if isinstance(value, (Operand, np.ndarray)) else value


def _shape_of_output(output: Any) -> Any:
    if not isinstance(output, Operand):
        return None
    return (None, *with_none(output.shape)[1:]) if output.ndim else ()

"""Model: layers put together, with inputs and outputs, that can be trained."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer import saving
from sheer.core import tree
from sheer.core.errors import NotBuiltError
from sheer.core.registry import serialize
from sheer.core.shapes import map_shapes, with_none
from sheer.core.text import printable
from sheer.layers.base import LAYERS, Layer, as_operand
from sheer.models.graph import Graph
from sheer.models.trainer import Trainer
from sheer.ops.declare import operand
from sheer.ops.operand import Operand
from sheer.ops.recording import current_trace, open_tapes
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.trace import trace
from sheer.training.steps import names_of
from sheer.training.undo import undone_on_error

if TYPE_CHECKING:
    from sheer.inspect.picture import Picture


class Model(Trainer):
    """A network that can be trained.

    `Model(inputs, outputs)` is made of the layers called between these, see `models.Functional`. A
    subclass makes its layers in `__init__` and chains them in `call`.

    Example:

    >>> import sheer
    >>> class Net(sheer.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = sheer.layers.Dense(4, activation="tanh")
    ...         self.out = sheer.layers.Dense(1)
    ...     def call(self, x):
    ...         return self.out(self.hidden(x))
    >>> import numpy as np
    >>> net = Net()
    >>> net.compile(optimizer="sgd", loss="mse")
    >>> history = net.fit(np.ones((8, 3)), np.ones((8, 1)), epochs=2, verbose=0)
    >>> history.history["loss"][1] < history.history["loss"][0]
    True
    """

    in_path = False
    # Whether files name the weights by `layers` before any attribute.
    layers_first = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (len(args) > 1 or {"inputs", "outputs"} & set(kwargs)):
            from sheer.models.functional import Functional

            return object.__new__(Functional)
        return object.__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any):
        given = {**dict(zip(("inputs", "outputs", "name"), args, strict=False)), **kwargs}
        inputs, outputs = given.pop("inputs", None), given.pop("outputs", None)
        if (inputs is None) != (outputs is None) or len(args) > 3:
            raise TypeError(
                f"{type(self).__name__}: give inputs and outputs, or none of both. Got "
                f"inputs={inputs!r} and outputs={outputs!r}."
            )
        super().__init__(**given)
        # The calls between the inputs and the outputs, where the model was made of these.
        self._graph: Graph | None = None
        self._graph_layers: list[Layer] = []
        self.layers_first = self.layers_first or inputs is not None
        # The data as symbols, once known: what programs are traced with.
        self.input_symbols: Any = None
        self.output_symbols: Any = None
        if inputs is not None:
            graph = Graph(inputs, outputs, self.name)
            self._take_graph(graph)
            self._graph_layers = graph.layers
            if not self._trainable:
                self.trainable = False

    # --- saving ---------------------------------------------------------------------------

    def save(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None
    ) -> None:
        """Write the model to a file that `sheer.saving.load_model` makes it from again.

        filepath: `NAME.keras`, with the arguments of `compile` and the optimizer's state, which
        Keras 3 loads too; or any other name, for a safetensors file. overwrite: False refuses where
        there is such a file. zipped: True or None; sheer writes no folders.
        """
        if zipped is False:
            raise ValueError("save: sheer writes files, not folders: zipped must be True or None.")
        saving.save_model(self, filepath, overwrite)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write all weights to a file: `NAME.weights.h5` as Keras does, with the optimizer's state;
        else safetensors, named by their paths.

        overwrite: False refuses where there is such a file.
        """
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
        """Set all weights from a file that `save_weights`, `save` or Keras wrote. Where something
        does not fit, nothing is changed; or, with `skip_mismatch`, that is left as it is."""
        saving.load_weights(self, filepath, skip_mismatch)

    def export(
        self, filepath: str | os.PathLike[str], format: str = "onnx", verbose: Any = None
    ) -> None:
        """Write what `predict` computes to a file that other engines run (needs `sheer[onnx]`).

        filepath: `NAME.onnx`. format: `"onnx"`, the only one; Keras's `"tf_saved_model"` and others
        are not in sheer. verbose: accepted; nothing is printed.

        Batches of any size go in by the names of the model's inputs, and predictions come out as
        `y_pred`, or `y_pred_0`, `y_pred_1`, ... where there are several.
        """
        if format != "onnx":
            raise ValueError(f"export: sheer writes the format 'onnx' only. Got {format!r}.")
        graph = self._steps.step("predict_step").graph
        count = len(tree.leaves(graph.output))
        names = [f"y_pred_{i}" for i in range(count)] if count > 1 else ["y_pred"]
        saving.onnx.write(graph, filepath, names)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes of the inputs that the model was built for."""
        if self.input_symbols is None:
            return None
        return {"input_shape": tree.map_tree(lambda s: with_none(s.shape), self.input_symbols)}

    # --- inputs and outputs ---------------------------------------------------------------

    def _take_graph(self, graph: Graph) -> None:
        """Be built as these calls say."""
        self._graph, self.built = graph, True
        names = iter(names_of("x", graph.inputs_structure, self.names_inside()[0]))
        self.input_symbols = tree.map_tree(
            lambda x: Symbol((None, *x.shape[1:]), x.dtype, label=next(names)),
            graph.inputs_structure,
        )
        self.output_symbols = graph.outputs_structure
        self.output_shape = tree.map_tree(lambda x: with_none(x.shape), graph.outputs_structure)

    def outputs_like(self) -> Any:
        """Symbols such as the outputs; None where these are not known yet."""
        if self.output_symbols is not None or self.output_shape is None:
            return self.output_symbols
        return map_shapes(lambda shape: Symbol(shape, self.dtype), self.output_shape)

    def names_inside(self) -> tuple[list[str], list[str]]:
        """The names of the inputs and of the outputs, as far as they are known, in the order of
        their structures."""
        if self._graph is None:
            return [], []
        structures = self._graph.inputs_structure, self._graph.outputs_structure
        inputs, outputs = ([x.node.operation.name for x in tree.leaves(s)] for s in structures)
        return inputs, outputs

    def _known_graph(self, wanted: str) -> Graph:
        if self._graph is None:
            raise AttributeError(
                f"Model {self.name!r} has no {wanted}: only models made of inputs and outputs "
                "have, and a Sequential whose input shape is known."
            )
        return self._graph

    @property
    def input(self) -> Any:
        """The symbols of the inputs, as they were given."""
        return self._known_graph("input").inputs_structure

    @property
    def output(self) -> Any:
        """The symbols of the outputs, as they were given."""
        return self._known_graph("output").outputs_structure

    @property
    def inputs(self) -> list[Symbol]:
        """The symbols of the inputs in one list."""
        return list(self._known_graph("inputs").inputs)

    @property
    def outputs(self) -> list[Symbol]:
        """The symbols of the outputs in one list."""
        return list(self._known_graph("outputs").outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of the input, None for the batch size; for several inputs a list of them."""
        shapes = [with_none(x.shape) for x in self._known_graph("input_shape").inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return self._known_graph("input_names").input_names

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: of the layers that make them."""
        return self._known_graph("output_names").output_names

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for inputs, computed with layers and ops. It may take `training`."""
        if self._graph is None:
            return super().call(*args, **kwargs)
        inputs = args[0] if args else kwargs.get("inputs")
        return self._graph.run(self._graph.arguments(inputs, kwargs.get("mask")))

    def has_call(self) -> bool:
        """Whether it computes outputs from inputs: a model may be all train_step, such as two
        networks trained against each other."""
        return self._graph is not None or type(self).call is not Model.call

    def _converted(self, value: Any) -> Any:
        # The inputs say themselves which dtype they want.
        return super()._converted(value) if self._graph is None else as_operand(value)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal model; for one made of inputs and outputs its layers and
        the calls between them, as Keras writes them."""
        if not self._is_graph_like():
            return super().get_config()
        from sheer.models.functional import graph_config

        assert self._graph is not None
        return {"name": self.name, "trainable": self._trainable, **graph_config(self._graph)}

    def _is_graph_like(self) -> bool:
        """Whether inputs, outputs and a name are all that makes such a model."""
        own = type(self).__init__ is not Model.__init__ and type(self).__name__ != "Functional"
        return self._graph is not None and not own

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """A model made from `get_config()`'s answer, with new weights.

        custom_objects: layers of your own, by the name of their class.
        """
        if not {"layers", "input_layers", "output_layers"} <= set(config):
            return cls(**config)
        from sheer.models.functional import from_graph_config

        inputs, outputs = from_graph_config(config, custom_objects)
        known = {key: config[key] for key in ("name", "trainable") if key in config}
        return cls(inputs=inputs, outputs=outputs, **known)

    def to_json(self, **kwargs: Any) -> str:
        """The class and the config as JSON, for `models.model_from_json`; kwargs as for
        `json.dumps`."""
        import json

        return json.dumps(serialize(self), **kwargs)

    # --- building -------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for inputs; the layers are built if need be."""
        if self.built and self.input_symbols is not None:
            x = args[0] if len(args) == 1 and not kwargs else None
            if isinstance(x, (np.ndarray, Tensor)) and current_trace() is None and not open_tapes():
                array = np.asarray(x)
                outputs = self._steps.call_at_once(array) if array.ndim else None
                if outputs is not None:
                    return tree.map_tree(Tensor, outputs)
            return super().__call__(*args, **kwargs)
        with undone_on_error(self):
            outputs = super().__call__(*args, **kwargs)
            if args and self.input_symbols is None:
                self.input_symbols = tree.map_tree(_symbol_like, args[0])
            return outputs

    def _build_for(self, args: Any, path: tuple[str, ...]) -> None:
        # Called on data, the layers build themselves; a user's own build() is called.
        if not self.built and type(self).build is Model.build:
            self.path, self.built = "/".join(path) or self.name, True
        super()._build_for(args, path)

    def build_for(self, x: Any) -> None:
        """Run the model once on symbols: it builds what is not built, and checks the shapes."""
        with undone_on_error(self):
            self.output_symbols = trace(lambda x: self(x), (x,)).output
            self.input_symbols = x

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape, None for the batch size; for several inputs, a
        list or dictionary of shapes."""
        if input_shape is None or self.built or not self.has_call():
            return
        if not isinstance(input_shape, (tuple, list, dict)):
            raise TypeError(f"build: give a shape, such as (None, 784). Got {input_shape!r}.")
        with undone_on_error(self):
            self.built = True
            self.build_for(map_shapes(self._symbol, input_shape))

    def _symbol(self, shape: Any) -> Symbol:
        """An input of this shape, in the dtype that `build` takes for granted."""
        return Symbol(shape, self.dtype, label="x")

    def check_built(self, caller: str) -> None:
        """Raise where the model has no weights yet."""
        if self.input_symbols is None:
            raise NotBuiltError(
                f"{caller}: model {self.name!r} is not built: its input shape is not known yet.\n"
                "Begin it with Input((features,)), call build((None, features)), or call it on "
                "data."
            )

    @property
    def layers(self) -> list[Layer]:
        """The layers right inside the model."""
        return [value for value in self.parts() if isinstance(value, Layer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this place."""
        if index is not None:
            found = self.layers
            if not -len(found) <= index < len(found):
                raise ValueError(f"No layer {index}. The model has {len(found)} layers, from 0 on.")
            return found[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No layer {name!r}. The model has {[v.name for v in self.layers]}.")

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers: names, output shapes, numbers of parameters, and what they
        are connected to.

        Args:
            line_length: its width, by default as wide as the terminal, up to Keras's width.
            positions: where the columns end, as parts of the width.
            print_fn: called with the text in place of `print`.
            expand_nested: whether to list the layers of models inside.
            show_trainable: whether to say which layers are trained.
            layer_range: the names of the first and the last layer to list, or patterns of them.
        """
        from sheer.models.summary import summary

        text = summary(self, line_length, positions, expand_nested, show_trainable, layer_range)
        (print_fn or (lambda text: print(printable(text))))(text)

    def picture(self, rankdir: str = "TB", expand_nested: bool = False) -> Picture:
        """Draw the model: from the data through the layers to the predictions and the loss, and
        back from the loss by the optimizer to the weights.

        A notebook shows the picture; `save` writes it to a file. It is SVG, made without any other
        program. A model that is not compiled has no loss and no optimizer in it.

        Args:
            rankdir: `"TB"`, from top to bottom, or `"LR"`, from left to right.
            expand_nested: whether models inside show what is in them.

        Raises NotBuiltError where the model's input shape is not known yet.

        >>> import sheer
        >>> model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(1)], name="line")
        >>> picture = model.picture()
        >>> picture.svg.startswith("<svg ")
        True
        >>> picture.save("line.svg")  # doctest: +SKIP
        """
        from sheer.inspect.picture import Show, picture

        if self.has_call():  # else it never is, and `picture` says why there is nothing to draw
            self.check_built("picture")
        return picture(self, rankdir, Show(nested=expand_nested))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "last_fit"}

    def formula(self) -> str:
        return ""


LAYERS.add()(Model)


def _symbol_like(value: Any) -> Any:
    """A symbol for any number of rows of such data."""
    value = operand(value)
    if not isinstance(value, Operand) or not value.shape:
        return value
    return Symbol((None, *value.shape[1:]), value.dtype, label="x")

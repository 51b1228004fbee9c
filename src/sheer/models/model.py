"""Model: layers with a loss and an optimizer, and one definition of a training step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer import optimizers, saving
from sheer.autodiff import GradientTape
from sheer.callbacks import History
from sheer.core import tree
from sheer.core.checks import integer
from sheer.core.errors import NotBuiltError
from sheer.core.registry import serialize
from sheer.core.scope import section
from sheer.core.shapes import map_shapes, with_none
from sheer.core.text import printable
from sheer.layers.base import LAYERS, Layer, as_operand
from sheer.metrics import Metric
from sheer.models.graph import Graph
from sheer.ops.declare import operand
from sheer.ops.operand import Operand
from sheer.ops.recording import current_trace, open_tapes
from sheer.ops.symbol import Symbol, named
from sheer.ops.tensor import Tensor
from sheer.program import Program
from sheer.program.program import NAMES
from sheer.trace import trace
from sheer.training import loop
from sheer.training.compiled import CompiledLoss, CompiledMetrics
from sheer.training.data import Data, unpack
from sheer.training.run import Training
from sheer.training.steps import Steps, names_of
from sheer.training.undo import undone_on_error

if TYPE_CHECKING:
    from sheer.inspect.picture import Picture
    from sheer.inspect.recorded import RecordedStep


class Model(Layer):
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
        self.stop_training = False
        self.check_finite = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.history: Any = None
        self._compiled: CompiledMetrics | None = None
        self._compiled_loss: CompiledLoss | None = None
        self._compile_arguments: dict[str, Any] | None = None
        # The data as symbols, once known: what programs are traced with.
        self.input_symbols: Any = None
        self.output_symbols: Any = None
        self._steps = Steps(self)
        self._training = Training()
        if inputs is not None:
            graph = Graph(inputs, outputs, self.name)
            self._take_graph(graph)
            self._graph_layers = graph.layers
            if not self._trainable:
                self.trainable = False

    # --- compile --------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        *,
        check_finite: bool = False,
    ) -> None:
        """Say how the model is trained.

        Args:
            optimizer, loss: a name, a config, or an instance; the loss may be a function of
                (y_true, y_pred). For several outputs a list of losses, or a dictionary by the
                names of the outputs; None for an output without one. One loss counts for all.
            loss_weights: a factor for the loss, or a list or dictionary of them.
            metrics, weighted_metrics: lists of names, functions or instances; the weighted ones
                count each example by its weight. `"accuracy"` fits itself to the targets. For
                several outputs a list or dictionary of such lists.
            run_eagerly: whether `train_step` runs as it stands, op by op, and not as a program: for
                debugging with print and breakpoints in your own layers.

            steps_per_execution: where callbacks want batches, they get one of so many.
            check_finite: whether a training step that computes a NaN or an infinity, in any line
                but those of the metrics, raises `NotFiniteError`: it says which line and layer,
                which unit, which rows of the batch, from which operands; the model is left as it
                was before that step. Not in Keras, and not kept in files. (`callbacks.Doctor`
                tells the same, and lets the training go on.)

        `jit_compile` and `auto_scale_loss` are accepted and change nothing: sheer always runs a
        program.
        """
        # What files hold: Keras's arguments alone.
        given = {
            k: v for k, v in locals().items() if k not in ("self", "__class__", "check_finite")
        }
        if not isinstance(check_finite, bool):
            raise ValueError(f"compile: check_finite must be True or False. Got {check_finite!r}.")
        if not integer(1).accepts(steps_per_execution):
            raise ValueError(
                f"compile: steps_per_execution must be {integer(1).words}. "
                f"Got {steps_per_execution!r}."
            )
        losses = CompiledLoss(loss, loss_weights, self.names_inside()[1])
        compiled = CompiledMetrics(metrics, weighted_metrics, losses)
        self.optimizer, self._compiled = optimizers.get(optimizer), compiled
        self._compiled_loss = None if loss is None else losses
        self._compile_arguments = {**given, "optimizer": self.optimizer}
        self.loss = loss
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self.check_finite = check_finite
        self._steps.clear()

    @property
    def metrics(self) -> list[Metric]:
        """The tracker of the loss, the compiled metrics, and those in attributes of the model and
        of its layers."""
        compiled = [self._compiled.loss, *self._compiled.metrics] if self._compiled else []
        own = [
            leaf
            for layer in self._flatten_layers()
            for value in vars(layer).values()
            if isinstance(value, (Metric, list, tuple, dict))
            for leaf in tree.leaves(value)
            if isinstance(leaf, Metric)
        ]
        return list({id(metric): metric for metric in [*compiled, *own]}.values())

    @property
    def metrics_names(self) -> list[str]:
        """Their names in the logs."""
        return list(self._metrics_by_name())

    def _metrics_by_name(self) -> dict[str, Metric]:
        names = self._compiled.names if self._compiled else {}
        return {names.get(id(metric), metric.name): metric for metric in self.metrics}

    def check_compiled(self, caller: str) -> None:
        """Raise where `compile` has not been called."""
        if self._compiled is None:
            raise ValueError(
                f"{caller}: the model is not compiled. Call "
                "compile(optimizer, loss, metrics=[...]) first."
            )

    def needs_targets(self, kind: str) -> bool:
        """Whether a kind of step compares predictions with targets, as far as is known: what users
        override may do without."""
        is_own = getattr(type(self), kind) is not getattr(Model, kind)
        is_own |= type(self).compute_loss is not Model.compute_loss
        return kind != "predict_step" and self._compiled_loss is not None and not is_own

    # --- the steps: what is traced --------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch (x, y) or (x, y, sample_weight). May be overridden."""
        x, y, sample_weight = unpack(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
            scaled = self.optimizer.scale_loss(loss)
        if self.trainable_variables:
            gradients = tape.gradient(scaled, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
        self.track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The loss and metrics of a batch. May be overridden."""
        x, y, sample_weight = unpack(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        self.track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The predictions for a batch. May be overridden."""
        x, _, _ = unpack(data)
        return self._named_outputs(self(x, training=False))

    def _named_outputs(self, outputs: Any) -> Any:
        """The outputs, which ask for these names in a program: y_pred, or one for each output."""
        names = names_of("y_pred", outputs, self.names_inside()[1])
        return tree.refill(outputs, list(map(named, names, tree.leaves(outputs))))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The compiled loss, plus the penalties of weights and layers: a scalar.

        May be overridden.
        """
        if self._compiled_loss is not None:
            self._compiled_loss.settled(y_pred)
        name = self._compiled_loss.name if self._compiled_loss else "penalties"
        with section(f"loss: {name}"):
            penalties = self.losses
            loss = None
            if self._compiled_loss is not None:
                y_pred = self._named_outputs(y_pred)
                loss = self._compiled_loss(y, y_pred, sample_weight)
            if loss is None and penalties:
                loss = penalties.pop(0)
            if loss is None:
                raise ValueError(
                    "There is no loss to compute. Give compile() a loss, such as "
                    "loss='mean_squared_error', or call add_loss in a layer."
                )
            for penalty in penalties:
                loss = loss + penalty
            return named("loss", loss)

    def track_loss(self, loss: Any, x: Any) -> None:
        """Take a batch's loss into the mean of the epoch."""
        if self._compiled is not None:
            self._compiled.track_loss(loss, tree.leaves(x)[0].shape[0])

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Take a batch into the metrics; all figures so far, by name."""
        assert self._compiled is not None
        with section("metrics"):
            self._compiled.update(y, y_pred, sample_weight)
            return dict(sorted(self.get_metrics_result().items()))

    def get_metrics_result(self) -> dict[str, Any]:
        """All figures so far, by name."""
        return {name: metric.result() for name, metric in self._metrics_by_name().items()}

    def reset_metrics(self) -> None:
        """Forget all batches seen by the metrics."""
        for metric in self.metrics:
            metric.reset_state()

    # --- fit, evaluate, predict -----------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> History:
        """Train the model, and return the history of its figures.

        Args:
            x, y: arrays or frames with one row per example, or lists, tuples or dictionaries of
                them. Or x alone gives batches, each x, (x,), (x, y) or (x, y, sample_weight): a
                `utils.PyDataset`, a generator, or any iterable, such as another library's loader.
            batch_size: examples per step, 32 by default; the last batch of an epoch may be smaller.
                For arrays only, as are validation_split and sample_weight.
            epochs: the number of the last epoch; they begin at `initial_epoch`.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch, `"auto"` the bar in a terminal
                and lines elsewhere.
            callbacks: a list of Callbacks.
            validation_split: this last fraction of the rows is held out, and evaluated after each
                epoch.
            validation_data: (x, y), (x, y, sample_weight), or batches, evaluated after each epoch.
            shuffle: whether rows, or the batches of a PyDataset, come in a new random order in each
                epoch.
            class_weight: for each class, the weight of its examples.
            sample_weight: (n,), the weight of each example in the loss; for several targets also
                one array for each, in the form of y.
            steps_per_epoch: end an epoch after so many batches; the next one goes on behind them.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: after every how many epochs it takes place, or a list of epochs,
                counted from 1.

        The data are checked before any weight changes: shapes, lengths, labels, NaN.

        >>> import numpy as np, sheer
        >>> model = sheer.Sequential([sheer.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0)
        <History of 3 epochs: loss>
        """
        return loop.fit(
            self,
            x,
            y,
            loop.Settings(
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                shuffle=shuffle,
                initial_epoch=initial_epoch,
                steps=steps_per_epoch,
                validation_split=validation_split,
                validation_data=validation_data,
                validation_batch_size=validation_batch_size,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            ),
            class_weight,
            sample_weight,
        )

    def view(self, x: Any = None, y: Any = None, *, view: Any = None, **options: Any) -> Any:
        """Train in a page that shows each line of the program with its values, and that can stop
        the training, step through it, and ask what other settings would do.

        Args:
            x, y, options: as for `fit`.
            view: a `callbacks.View` with settings of its own; by default one that waits before the
                first batch until the page lets it go.

        In a script or a terminal a browser shows the page, and this returns the history at the end,
        as `fit` does. In a notebook it returns a widget at once, and a thread trains:
        `widget.training.wait()` returns the history. It needs `pip install "sheer[view]"`.

        >>> import numpy as np, sheer
        >>> model = sheer.Sequential([sheer.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> unseen = sheer.callbacks.View(port=None)
        >>> model.view(np.ones((8, 2)), np.ones((8, 1)), view=unseen, verbose=0)
        <History of 1 epochs: loss>
        """
        from sheer.models.view import view as view_

        return view_(self, x, y, view, options)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and metrics on data: a list, loss first, or a dictionary; the loss alone where
        there are no metrics."""
        settings = loop.Settings(
            batch_size=batch_size, verbose=verbose, callbacks=callbacks, steps=steps
        )
        logs = loop.evaluate(self, x, y, sample_weight, settings)
        return logs if return_dict else loop.in_order(self, logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, as NumPy arrays."""
        is_small = type(x) is np.ndarray and x.ndim and len(x) <= (batch_size or loop.BATCH_SIZE)
        if is_small and verbose == 0 and callbacks is None and steps is None:
            outputs = self._steps.predict_at_once(x)
            if outputs is not None:
                return outputs
        settings = loop.Settings(
            batch_size=batch_size, verbose=verbose, callbacks=callbacks, steps=steps
        )
        return loop.predict(self, x, settings)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on this batch, and its figures: the metrics begin anew."""
        return self._on_batch("train_step", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics of this batch alone."""
        return self._on_batch("test_step", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for this batch, as NumPy arrays."""
        data = Data(x, caller="predict_on_batch")
        step = loop.prepared(self, "predict_step", data)
        return step(data.batch(0, data.rows))

    def _on_batch(
        self, kind: str, x: Any, y: Any, weight: Any, by_class: Any, return_dict: bool
    ) -> Any:
        caller = kind.replace("step", "on_batch")
        self.check_compiled(caller)
        data = Data(x, y, weight, caller).weighted(by_class)
        with self._training.alone(caller):
            step = loop.prepared(self, kind, data)
            self.reset_metrics()
            logs = loop.plain(step(data.batch(0, data.rows)))
        return logs if return_dict else loop.in_order(self, logs)

    # --- programs -------------------------------------------------------------------------

    def train_program(self, x: Any = None, y: Any = None, sample_weight: Any = None) -> Program:
        """The program that `fit` runs for each batch: forward, loss, backward, update, metrics.

        x, y, sample_weight: data of the shapes to come; by default those seen last, or those that
        the model's input and loss suggest.

        >>> import sheer
        >>> model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> print(model.train_program().text.split("# 4.")[0])
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def train_step(x, y, dense, sgd, metrics):
            \"\"\"One step of mini-batch gradient descent: x (n, 3) float32, y (n, 1) float32.\"\"\"
        <BLANKLINE>
            # 1. forward
            # dense: x · kernel + bias
            y_pred = x @ dense.kernel + dense.bias                  # (n, 1)
        <BLANKLINE>
            # 2. loss: mean_squared_error
            error = y_pred - y                                      # (n, 1)
            losses = np.mean(error ** 2, axis=-1)                   # (n,)
            loss = np.mean(losses)                                  # ()
        <BLANKLINE>
            # 3. backward: the chain rule, last layer first
            d_error = 2 * error / len(x)                            # (n, 1)
            d_kernel = x.T @ d_error                                # (3, 1)
            d_bias = np.sum(d_error, axis=0)                        # (1,)
        <BLANKLINE>
        <BLANKLINE>
        """
        self.check_compiled("train_program")
        return self._steps.program("train_step", x, y, sample_weight)

    def test_program(self, x: Any = None, y: Any = None, sample_weight: Any = None) -> Program:
        """The program that `evaluate` runs for each batch. Arguments as in `train_program`."""
        self.check_compiled("test_program")
        return self._steps.program("test_step", x, y, sample_weight)

    def predict_program(self, x: Any = None) -> Program:
        """The program that `predict` runs for each batch."""
        return self._steps.program("predict_step", x)

    def use_program(self, program: Program | None) -> None:
        """Run this program, for example one changed by hand, in place of the one traced.

        Its name says which: train_step, test_step or predict_step. Its parameters are those of the
        traced one, or fewer. None takes all such programs back; so does `compile`.
        """
        self._steps.use(program)

    def trace_step(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        kind: str = "train",
        update: bool = False,
    ) -> RecordedStep:
        """Run one step on this batch and keep the value of every line of its program.

        Args:
            x, y, sample_weight: the batch, as for `train_on_batch`.
            kind: the step: `"train"`, `"test"` or `"predict"`.
            update: whether the model then takes the step, exactly as `train_on_batch` does. By
                default it stays as it is: weights, optimizer, metrics.

        Printed, the recorded step is the program, with each line's shape and range beside it; its
        values are there by their names. NumPy computes them, so they agree with the native engine's
        up to rounding.

        >>> import numpy as np, sheer
        >>> model = sheer.Sequential([sheer.Input((2,)), sheer.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.set_weights([np.array([[1.0], [2.0]]), np.array([0.5])])
        >>> step = model.trace_step(np.array([[3.0, 4.0]]), np.array([[10.0]]))
        >>> step["y_pred"], step["d_kernel"].ravel()
        (array([[11.5]], dtype=float32), array([ 9., 12.], dtype=float32))
        """
        name, caller = f"{kind}_step", "trace_step"
        if name not in NAMES:
            raise ValueError(f"{caller}: kind must be 'train', 'test' or 'predict'. Got {kind!r}.")
        if kind != "predict":
            self.check_compiled(caller)
        data = Data(x, y, sample_weight, caller)
        with self._training.alone(caller):
            prepared = loop.prepared(self, name, data)
            batch = data.batch(0, data.rows)
            before = [(v, v.stored()) for metric in self.metrics for v in metric.variables]
            self.reset_metrics()
            recorded = self._steps.step(name, data).record(batch)
            if update:
                prepared(batch)
            else:
                for variable, value in before:
                    variable.store(value)
        return recorded

    def write_program(
        self,
        path: str | os.PathLike[str],
        x: Any = None,
        y: Any = None,
        *,
        validation_data: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        shuffle: bool | None = None,
    ) -> None:
        """Write the whole training as a script that needs NumPy alone: data in batches, weights
        from the same seed, the loop over epochs, the step, the evaluation. It prints the figures
        that `fit` prints.

        The data and settings are those given, else those of the last `fit`; the data are stored
        beside the script, in a file of its name that ends in `.npz`. Without data the script reads
        such a file: arrays x_train, y_train, x_test, y_test. Weights begin as their initializers
        made them, as before a first `fit`. Those that were set by hand are stored too, as they are
        now; after a `fit` that changed them, give x and y to begin with them so.
        """
        from sheer.training.script import write_script

        self.check_compiled("write_program")
        settings = {"epochs": epochs, "batch_size": batch_size, "shuffle": shuffle}
        write_script(self, path, x, y, validation_data, settings)

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

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments that `compile` was given, None where it was not called."""
        return None if self._compile_arguments is None else dict(self._compile_arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile the model with the arguments that a file holds."""
        self.compile(**saving.deserialize_keras_object(config))

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

"""Model: layers with a loss and an optimizer, and one definition of a training step."""

from __future__ import annotations

import os
from typing import Any

from sheer import optimizers
from sheer.autodiff import GradientTape
from sheer.callbacks import History
from sheer.core import tree
from sheer.core.errors import NotBuiltError
from sheer.core.scope import section
from sheer.layers.base import LAYERS, Layer
from sheer.metrics import Metric
from sheer.ops.symbol import Symbol, named
from sheer.program import Program
from sheer.trace import trace
from sheer.training import loop
from sheer.training.compiled import CompiledMetrics, compile_loss
from sheer.training.data import Data
from sheer.training.steps import Steps


class Model(Layer):
    """A network that can be trained: a subclass makes layers in `__init__` and chains them in `call`.

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

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.stop_training = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.history: Any = None
        self._compiled: CompiledMetrics | None = None
        # The data as symbols, once known: what programs are traced with.
        self.input_symbols: Any = None
        self._steps = Steps(self)

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
    ) -> None:
        """Say how the model is trained.

        Args:
            optimizer, loss: a name, a config, or an instance; the loss may be a function of
                (y_true, y_pred).
            metrics, weighted_metrics: lists of names, functions or instances; the weighted ones
                count each example by its weight. `"accuracy"` fits itself to the targets.
            run_eagerly: whether `train_step` runs as it stands, op by op, and not as a program: for
                debugging with print and breakpoints in your own layers.

        `steps_per_execution`, `jit_compile` and `auto_scale_loss` are accepted and change nothing:
        sheer always runs a program.
        """
        if loss_weights is not None:
            raise ValueError(
                "compile: loss_weights are for several outputs; sheer's models have one."
            )
        made = (
            optimizers.get(optimizer),
            compile_loss(loss),
            CompiledMetrics(metrics, weighted_metrics),
        )
        self.optimizer, self._compiled_loss, self._compiled = made
        self.loss = loss
        self.run_eagerly = run_eagerly
        self._steps.clear()

    @property
    def metrics(self) -> list[Metric]:
        """The tracker of the loss, the compiled metrics, and those in the model's attributes."""
        own = [v for value in vars(self).values() for v in tree.leaves(value)
               if isinstance(v, Metric)]  # fmt: skip
        compiled = [self._compiled.loss, *self._compiled.metrics] if self._compiled else []
        return compiled + own

    @property
    def metrics_names(self) -> list[str]:
        """Their names."""
        return [metric.name for metric in self.metrics]

    def check_compiled(self, caller: str) -> None:
        """Raise where `compile` has not been called."""
        if self._compiled is None:
            raise ValueError(
                f"{caller}: the model is not compiled. Call "
                "compile(optimizer, loss, metrics=[...]) first."
            )
        has_own = type(self).train_step is not Model.train_step
        has_own |= type(self).compute_loss is not Model.compute_loss
        if self._compiled_loss is None and not has_own and caller != "predict":
            raise ValueError(
                f"{caller}: the model is compiled without a loss. Give one to compile()."
            )

    # --- the steps: what is traced --------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch (x, y) or (x, y, sample_weight). May be overridden."""
        x, y, sample_weight = unpack(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        gradients = tape.gradient(loss, self.trainable_variables)
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
        return tree.map_tree(lambda y: named("y_pred", y), self(x, training=False))

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """The compiled loss, plus the penalties of weights and layers: a scalar."""
        name = self._compiled_loss.name if self._compiled_loss else "penalties"
        with section(f"loss: {name}"):
            y_pred = named("y_pred", y_pred)
            loss = self._compiled_loss(y, y_pred, sample_weight) if self._compiled_loss else 0.0
            for penalty in self.losses:
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
            figures = self._compiled.update(y, y_pred, sample_weight)
            return {**figures, "loss": self._compiled.loss.result()}

    def get_metrics_result(self) -> dict[str, Any]:
        """All figures so far, by name."""
        return {metric.name: metric.result() for metric in self.metrics}

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
            x, y: arrays with one row per example, or lists of arrays.
            batch_size: examples per step, 32 by default; the last batch of an epoch may be smaller.
            epochs: the number of the last epoch; they begin at `initial_epoch`.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch, `"auto"` the bar in a terminal
                and lines elsewhere.
            callbacks: a list of Callbacks.
            validation_split: this last fraction of the rows is held out, and evaluated after each
                epoch.
            validation_data: (x, y) or (x, y, sample_weight), evaluated after each epoch.
            shuffle: whether rows come in a new random order in each epoch.
            class_weight: for each class, the weight of its examples.
            sample_weight: (n,), the weight of each example in the loss.
            steps_per_epoch: end an epoch after so many batches.
            validation_steps, validation_batch_size, validation_freq: the same for validation; and
                after every how many epochs it takes place.

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
        logs = loop.evaluate(self, Data(x, y, sample_weight, "evaluate"), settings)
        if return_dict:
            return logs
        values = [logs["loss"], *(v for k, v in logs.items() if k != "loss")] if "loss" in logs \
            else list(logs.values())  # fmt: skip
        return values[0] if len(values) == 1 else values

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, as NumPy arrays."""
        settings = loop.Settings(
            batch_size=batch_size, verbose=verbose, callbacks=callbacks, steps=steps
        )
        return loop.predict(self, Data(x, caller="predict"), settings)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on this batch; the figures so far."""
        return self._on_batch("train_step", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics of this batch and those before it."""
        return self._on_batch("test_step", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for this batch, as NumPy arrays."""
        data = Data(x, caller="predict_on_batch")
        return self._steps.get("predict_step", data)(next(data.batches(data.rows)))

    def _on_batch(
        self, kind: str, x: Any, y: Any, weight: Any, by_class: Any, return_dict: bool
    ) -> Any:
        caller = kind.replace("step", "on_batch")
        self.check_compiled(caller)
        data = Data(x, y, loop.weights_of(y, weight, by_class), caller)
        step = self._steps.get(kind, data)
        loop.check_targets(self, data)
        logs = loop.plain(step(next(data.batches(data.rows))))
        values = [logs["loss"], *(v for k, v in logs.items() if k != "loss")]
        return logs if return_dict else values[0] if len(values) == 1 else values

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
            d_y_pred = 2 * error / len(x)                           # (n, 1)
            d_dense_bias = np.sum(d_y_pred, axis=0)                 # (1,)
            d_dense_kernel = x.T @ d_y_pred                         # (3, 1)
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
        """Write the whole training as a script that needs NumPy alone: data in batches, weights from
        the same seed, the loop over epochs, the step, the evaluation. It prints the figures that
        `fit` prints.

        The data and settings are those given, else those of the last `fit`; the data are stored
        beside the script, in a file of its name that ends in `.npz`. Without data the script reads
        such a file: arrays x_train, y_train, x_test, y_test. Weights begin as their initializers
        made them; those that were set by hand are stored too, as they are now.
        """
        from sheer.training.script import write_script

        self.check_compiled("write_program")
        settings = {"epochs": epochs, "batch_size": batch_size, "shuffle": shuffle}
        write_script(self, path, x, y, validation_data, settings)

    # --- building -------------------------------------------------------------------------

    def build_for(self, x: Any) -> None:
        """Run the model once on symbols: it builds what is not built, and checks the shapes."""
        trace(lambda x: self(x), (x,))
        if self.input_symbols is None:
            self.input_symbols = x

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape, None for the batch size."""
        if input_shape is None or self.built or type(self).call is Layer.call:
            return
        if not isinstance(input_shape, tuple) or not all(
            isinstance(s, int) or s is None for s in input_shape
        ):
            return
        self.built = True
        self.build_for(Symbol(input_shape, self.dtype, label="x"))

    def check_built(self, caller: str) -> None:
        """Raise where the model has no weights yet."""
        if self.input_symbols is None:
            raise NotBuiltError(
                f"{caller}: model {self.name!r} is not built: its input shape is not known yet.\n"
                "Begin it with Input((features,)), call build((None, features)), or call it on data."
            )

    @property
    def layers(self) -> list[Layer]:
        """The layers right inside the model."""
        return [value for value in self.parts() if isinstance(value, Layer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this place."""
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No layer {name!r}. The model has {[v.name for v in self.layers]}.")

    def summary(self, line_length: int | None = None, print_fn: Any = None) -> None:
        """Print a table of the layers: names, output shapes, numbers of parameters."""
        from sheer.models.summary import summary

        (print_fn or print)(summary(self, line_length))

    def formula(self) -> str:
        return ""


LAYERS.add()(Model)


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of a batch; None for what it lacks."""
    if not isinstance(data, tuple):
        return data, None, None
    return (*data, None, None)[:3]

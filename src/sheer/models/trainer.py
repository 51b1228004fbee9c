"""Trainer: what makes layers a model that learns: the loss, the optimizer, the steps, the loops."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer import optimizers, saving
from sheer.autodiff import GradientTape
from sheer.callbacks import History
from sheer.core import tree
from sheer.core.checks import integer
from sheer.core.scope import section
from sheer.layers.base import Layer
from sheer.metrics import Metric
from sheer.ops.symbol import named
from sheer.program import Program
from sheer.program.program import NAMES
from sheer.training import loop
from sheer.training.compiled import CompiledLoss, CompiledMetrics
from sheer.training.data import Data, unpack
from sheer.training.run import Training
from sheer.training.snapshot import Snapshot
from sheer.training.steps import Steps, names_of

if TYPE_CHECKING:
    from sheer.inspect.recorded import RecordedStep


class Trainer(Layer):
    """The part of `Model` that trains: its one subclass says what the layers are, and which inputs
    and outputs they have."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.stop_training = False
        self.check_finite = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.history: Any = None
        self._compiled: CompiledMetrics | None = None
        self._compiled_loss: CompiledLoss | None = None
        self._compile_arguments: dict[str, Any] | None = None
        self._steps = Steps(self)
        self._training = Training()

    def names_inside(self) -> tuple[list[str], list[str]]:
        """The names of the inputs and of the outputs, as far as they are known."""
        raise NotImplementedError

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

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments that `compile` was given, None where it was not called."""
        return None if self._compile_arguments is None else dict(self._compile_arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile the model with the arguments that a file holds."""
        self.compile(**saving.deserialize_keras_object(config))

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
        is_own = getattr(type(self), kind) is not getattr(Trainer, kind)
        is_own |= type(self).compute_loss is not Trainer.compute_loss
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
        traced one, or fewer. None takes all such programs back; so does `compile`. It must
        answer new arrays for what it changes: what it writes into its arguments stays, also where
        check_finite takes the step back.
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
        values are there by their names. NumPy runs the lines, one by one, so the values agree with
        the native engine's up to rounding.

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
            before = Snapshot(v for metric in self.metrics for v in metric.variables)
            try:
                self.reset_metrics()
                recorded = self._steps.step(name, data).record(batch)
            except BaseException:
                before.restore()
                raise
            if update:
                prepared(batch)
            else:
                before.restore()
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

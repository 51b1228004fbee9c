"""sheer's models as scikit-learn estimators: in pipelines, in searches over parameters.

It needs scikit-learn: `pip install "sheer[sklearn]"`.
"""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from typing import Any, Self

import numpy as np

from sheer.core.random import seeded
from sheer.core.shapes import show
from sheer.models import Model, clone_model

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(
        "sheer.wrappers needs scikit-learn, 1.6 or later: pip install 'sheer[sklearn]'."
    ) from error

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class Wrapper(BaseEstimator):
    """A compiled model, or a function that makes one, as an estimator: what all three share.

    Args:
        model: a compiled Model, of which each `fit` trains a new copy that begins with new weights;
            or a function of X, y and `model_kwargs`, called by these names, that returns one.
        warm_start: whether `fit` goes on with the model of the last `fit`; at first with the very
            model given.
        model_kwargs: a dictionary of further arguments of that function.
        fit_kwargs: a dictionary of arguments of `Model.fit`; those given to `fit` itself go first.
            It is silent unless `verbose` is among them.
        random_state: a seed, or a `numpy.random.RandomState`: with it, equal data give equal
            weights. By default the numbers follow `sheer.utils.set_random_seed`.

    Attributes:
        model_: the trained Model.
        history_: its figures by name, a list each, one per epoch.
    """

    def __init__(
        self,
        model: Any,
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
        random_state: Any = None,
    ):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Self:
        """Train the model.

        Args:
            X: (n, features). y: (n,), or (n, outputs) for a regressor.
            **kwargs: arguments of `Model.fit`, such as epochs or sample_weight.
        """
        X, y = self._checked(X, y)
        state = self.random_state
        seed = None if state is None else check_random_state(state).randint(2**31)
        with nullcontext() if seed is None else seeded(seed):
            model = self._model_for(X, y)
            history = model.fit(X, y, **{"verbose": 0, **(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        self.history_ = history.history
        return self

    def _checked(self, X: Any, y: Any) -> tuple[Any, Any]:
        """The data as the model takes them."""
        raise NotImplementedError

    def _model_for(self, X: Any, y: Any) -> Any:
        """The model to train: a new one, or with `warm_start` that of the last time."""
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        model = self.model
        if not isinstance(model, Model):
            model = model(X=X, y=y, **(self.model_kwargs or {}))
        model.check_compiled(f"{type(self).__name__}.fit")
        if model is not self.model or self.warm_start:
            return model
        arguments = deepcopy(model.get_compile_config())
        # A new optimizer: this one may have state for other weights.
        config = model.optimizer.get_config()
        arguments["optimizer"] = type(model.optimizer).from_config(config)
        copy = clone_model(model)
        copy.compile(**arguments, **({"check_finite": True} if model.check_finite else {}))
        return copy

    def _outputs(self, X: Any) -> Any:
        """What the model gives for these rows."""
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, reset=False), verbose=0)


class SKLearnClassifier(ClassifierMixin, Wrapper):
    """A classifier: y holds class labels, which the model gets as one-hot rows.

    The model has an output for each class, such as `Dense(y.shape[1], activation="softmax")` with
    the loss categorical_crossentropy. Arguments and attributes: see `Wrapper`; and `classes_`, the
    labels in the order of the outputs.

    Example:

    >>> import numpy as np
    >>> from sheer import Sequential, layers
    >>> from sheer.wrappers import SKLearnClassifier
    >>> def network(X, y, units):
    ...     model = Sequential([
    ...         layers.Dense(units, activation="relu"),
    ...         layers.Dense(y.shape[1], activation="softmax"),
    ...     ])
    ...     model.compile("adam", "categorical_crossentropy")
    ...     return model
    >>> X = np.array([[0.0], [0.1], [0.9], [1.0]] * 50)
    >>> y = np.array(["low", "low", "high", "high"] * 50)
    >>> classifier = SKLearnClassifier(
    ...     network, model_kwargs={"units": 8}, fit_kwargs={"epochs": 60}, random_state=0)
    >>> [str(label) for label in classifier.fit(X, y).predict([[0.05], [0.95]])]
    ['low', 'high']
    """

    def _checked(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"SKLearnClassifier.fit: y has one class only, {self.classes_[0]}. Give two or "
                "more."
            )
        return X, np.eye(len(self.classes_), dtype="float32")[places]

    def predict_proba(self, X: Any) -> Any:
        """The outputs of the model, (n, classes): probabilities where it ends in a softmax."""
        outputs = self._outputs(X)
        if outputs.shape[1:] != self.classes_.shape:
            raise ValueError(
                f"{type(self).__name__}: the outputs of the model have the shape "
                f"{show(outputs.shape)}, and there are {len(self.classes_)} classes. Let its last "
                "layer have one unit per class."
            )
        return outputs

    def decision_function(self, X: Any) -> Any:
        """The outputs of the model, (n, classes); for two classes, as scikit-learn wants it, how
        much larger the second one's is, (n,)."""
        outputs = self.predict_proba(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> Any:
        """The label of the class with the largest output, for each row."""
        places = self.predict_proba(X).argmax(axis=1)
        return self.classes_[places]


class SKLearnRegressor(RegressorMixin, Wrapper):
    """A regressor: y holds numbers, one or several for each row.

    Arguments and attributes: see `Wrapper`.

    Example:

    >>> import numpy as np
    >>> from sheer import Sequential, layers
    >>> from sheer.wrappers import SKLearnRegressor
    >>> model = Sequential([layers.Dense(1)])
    >>> model.compile("sgd", "mean_squared_error")
    >>> regressor = SKLearnRegressor(model, fit_kwargs={"epochs": 100}, random_state=0)
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> round(regressor.fit(X, 3 * X[:, 0]).score(X, 3 * X[:, 0]), 3)
    1.0
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _checked(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        self._is_column = y.ndim == 1
        return X, y.reshape(len(y), -1)

    def predict(self, X: Any) -> Any:
        """The outputs of the model: (n,) where y was, else (n, outputs), in float64 as scikit-learn
        wants several outputs."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._is_column else outputs.astype("float64")


class SKLearnTransformer(TransformerMixin, Wrapper):
    """A step of a pipeline: what the model gives for X goes on to the next one.

    Arguments and attributes: see `Wrapper`.

    Example:

    >>> import numpy as np
    >>> from sheer import Sequential, layers
    >>> from sheer.wrappers import SKLearnTransformer
    >>> model = Sequential([layers.Dense(2, activation="tanh")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> SKLearnTransformer(model).fit_transform(X, np.hstack([X, -X])).shape
    (20, 2)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.required = True
        return tags

    def _checked(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        return X, y

    def transform(self, X: Any) -> Any:
        """The outputs of the model, (n, outputs)."""
        return self._outputs(X)

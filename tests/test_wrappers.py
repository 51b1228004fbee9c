"""Models as scikit-learn estimators."""

import sys

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

import sheer  # noqa: E402
from sheer import layers  # noqa: E402
from sheer.wrappers import (  # noqa: E402
    SKLearnClassifier,
    SKLearnRegressor,
    SKLearnTransformer,
)

WRAPPERS = [SKLearnClassifier, SKLearnRegressor, SKLearnTransformer]


def network(X, y, units=32, rate=0.02):
    """Two layers for a target of one column or several; a softmax for one-hot rows."""
    is_one_hot = y.ndim == 2 and y.shape[1] > 1 and set(np.unique(y)) == {0, 1}
    model = sheer.Sequential([
        layers.Dense(units, activation="relu"),
        layers.Dense(1 if y.ndim == 1 else y.shape[1], "softmax" if is_one_hot else None),
    ])  # fmt: skip
    loss = "categorical_crossentropy" if is_one_hot else "mean_squared_error"
    model.compile(sheer.optimizers.Adam(rate), loss)
    return model


def blobs(rows=120, classes=3):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, rows)
    return rng.normal(size=(rows, 2)) + 4 * np.stack([labels == 1, labels == 2], 1), labels


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_scikit_learns_own_checks_pass_and_none_is_excused(wrapper):
    checks = check_estimator(
        wrapper(network, fit_kwargs={"epochs": 40}), on_fail="raise", on_skip=None
    )
    skipped = {c["check_name"] for c in checks if c["status"] != "passed"}
    assert len(checks) > 40
    assert skipped <= {"check_array_api_input"}  # it wants SCIPY_ARRAY_API=1
    tags = wrapper(network).__sklearn_tags__()
    assert not tags.non_deterministic and not tags.no_validation
    for kind in (tags.classifier_tags, tags.regressor_tags):
        assert kind is None or not kind.poor_score


def test_in_a_pipeline_and_a_grid_search():
    X, y = blobs()
    names = np.array(["red", "green", "blue"])[y]
    classifier = SKLearnClassifier(network, fit_kwargs={"epochs": 15}, random_state=0)
    pipeline = make_pipeline(StandardScaler(), classifier)
    grid = {"sklearnclassifier__model_kwargs": [{"units": 1, "rate": 1e-6}, {"units": 16}]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, names)
    assert search.best_params_ == {"sklearnclassifier__model_kwargs": {"units": 16}}
    assert search.best_score_ > 0.9
    assert set(search.predict(X)) <= set(names)
    assert list(search.classes_) == ["blue", "green", "red"]
    np.testing.assert_allclose(search.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


def test_a_model_given_is_copied_and_stays_as_it_is():
    model = sheer.Sequential([sheer.Input((2,)), layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    before = model.get_weights()
    X, y = blobs()
    classifier = SKLearnClassifier(model, fit_kwargs={"epochs": 2})
    assert set(classifier.fit(X, y).history_) == {"accuracy", "loss"}
    assert len(classifier.history_["loss"]) == 2
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert classifier.model_ is not model and classifier.model_.optimizer is not model.optimizer
    again = clone(classifier)
    assert again.model is not model and again.fit_kwargs == {"epochs": 2}


def test_equal_seeds_give_equal_weights_and_leave_the_global_one_alone():
    X, y = blobs()

    def weights(seed):
        estimator = SKLearnClassifier(network, fit_kwargs={"epochs": 2}, random_state=seed)
        return estimator.fit(X, y).model_.get_weights()[0]

    sheer.utils.set_random_seed(3)
    wanted = sheer.random.uniform((2,)).numpy()
    sheer.utils.set_random_seed(3)
    first = weights(1)
    np.testing.assert_array_equal(sheer.random.uniform((2,)).numpy(), wanted)
    np.testing.assert_array_equal(weights(1), first)
    assert not np.array_equal(weights(2), first)
    assert not np.array_equal(weights(None), weights(None))


def test_a_warm_start_goes_on():
    X, y = blobs()
    cold = SKLearnClassifier(network, fit_kwargs={"epochs": 5}, random_state=0)
    warm = SKLearnClassifier(network, warm_start=True, fit_kwargs={"epochs": 5}, random_state=0)
    losses = {e: [e.fit(X, y).history_["loss"][-1] for _ in range(3)] for e in (cold, warm)}
    assert len(set(losses[cold])) == 1
    assert losses[warm][0] == losses[cold][0]
    assert losses[warm][0] > losses[warm][1] > losses[warm][2]
    model = warm.model_
    assert warm.fit(X, y).model_ is model


def test_arguments_of_fit_go_before_fit_kwargs():
    X, y = blobs()
    regressor = SKLearnRegressor(network, fit_kwargs={"epochs": 3, "batch_size": 60})
    assert len(regressor.fit(X, y, epochs=1).history_["loss"]) == 1
    weights = np.where(y == 0, 1.0, 0.0)
    assert regressor.fit(X, y, sample_weight=weights, epochs=60).predict(X[y == 1]).mean() < 0.5
    assert regressor.fit_kwargs == {"epochs": 3, "batch_size": 60}


def test_several_outputs():
    X, _ = blobs()
    Y = np.stack([X[:, 0] + X[:, 1], X[:, 0] - X[:, 1]], 1)
    regressor = SKLearnRegressor(network, fit_kwargs={"epochs": 60}, random_state=0)
    assert regressor.fit(X, Y).predict(X).shape == Y.shape
    assert regressor.score(X, Y) > 0.9


def test_two_classes_have_one_decision():
    X, y = blobs(classes=2)
    classifier = SKLearnClassifier(network, fit_kwargs={"epochs": 20}, random_state=0).fit(X, y)
    decision = classifier.decision_function(X)
    assert decision.shape == (len(X),)
    np.testing.assert_array_equal((decision > 0).astype(int), classifier.predict(X))


def test_errors():
    X, y = blobs()
    with pytest.raises(ValueError) as caught:
        SKLearnClassifier(sheer.Sequential([layers.Dense(3)])).fit(X, y)
    assert str(caught.value) == (
        "SKLearnClassifier.fit: the model is not compiled. Call compile(optimizer, loss, "
        "metrics=[...]) first."
    )
    with pytest.raises(ValueError) as caught:
        SKLearnClassifier(network).fit(X, np.ones(len(X)))
    assert str(caught.value) == (
        "SKLearnClassifier.fit: y has one class only, 1.0. Give two or more."
    )
    model = sheer.Sequential([layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    with pytest.raises(ValueError, match=r"targets \(120, 3\)\n  outputs \(n, 1\)"):
        SKLearnClassifier(model).fit(X, y)


def test_without_scikit_learn_an_error_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "sheer.wrappers")
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(ImportError) as caught:
        import sheer.wrappers  # noqa: F401
    assert str(caught.value) == (
        "sheer.wrappers needs scikit-learn, 1.6 or later: pip install 'sheer[sklearn]'."
    )

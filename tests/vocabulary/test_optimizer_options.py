"""What every optimizer can do, by hand: schedules, means of weights, accumulation, exclusions,
state; each as a program too."""

import re
import subprocess
import sys

import numpy as np
import pytest

import sheer
from sheer import layers, optimizers
from sheer.optimizers import schedules
from sheer.optimizers.base import OPTIMIZERS
from sheer.optimizers.schedules import SCHEDULES

ALL = OPTIMIZERS.classes()


def moved(optimizer, gradients, w=0.0):
    """The weight after each step."""
    variable = sheer.Variable([w], name="w")
    after = []
    for gradient in gradients:
        optimizer.apply([sheer.Tensor([gradient])], [variable])
        after.append(variable.numpy().item())
    return after


def model(optimizer, **options):
    """w · x, begun at 0."""
    dense = layers.Dense(1, use_bias=False, kernel_initializer="zeros", **options)
    made = sheer.Sequential([sheer.Input((1,)), dense])
    made.compile(optimizer, "mse")
    return made


ONE = np.ones((1, 1), "float32")


def trained(optimizer, steps, **options):
    """The weight after each step on x = y = 1, where the gradient is 2 (w - 1)."""
    made = model(optimizer, **options)
    after = []
    for _ in range(steps):
        made.train_on_batch(ONE, ONE)
        after.append(made.get_weights()[0].item())
    return after


# --- averages -----------------------------------------------------------------------------------


def test_ema():
    """w is -1, -2, -3; its mean begins at the first: -1, -1.25, -1.6875."""
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75)
    variable = sheer.Variable([0.0], name="w")
    means = []
    for _ in range(3):
        optimizer.apply([sheer.Tensor([1.0])], [variable])
        means.append(optimizer.slot(variable, "average").numpy().item())
    assert means == [-1.0, -1.25, -1.6875]
    assert variable.numpy().tolist() == [-3.0]
    optimizer.finalize_variable_values([variable])
    assert variable.numpy().tolist() == [-1.6875]


def test_ema_overwrites():
    """Every second step w becomes its mean: -1; -2 → -1.5; -2.5 (mean -2.0); -3.5 → -2.75."""
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    assert moved(optimizer, [1.0] * 4) == [-1.0, -1.5, -2.5, -2.75]


def test_fit_ends_with_the_averages():
    """Two steps of rate 1/4: w is 0.5, then 0.75; the mean of them is 0.625."""
    made = model(optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5))
    made.fit(ONE, ONE, epochs=2, verbose=0)
    assert made.get_weights()[0].item() == 0.625
    made.fit(ONE, ONE, epochs=2, initial_epoch=2, verbose=0)  # no step, no change
    assert made.get_weights()[0].item() == 0.625


# --- accumulation -------------------------------------------------------------------------------


def test_accumulation():
    """Two steps of (1 + 3) / 2 and (5 - 1) / 2, each at the second gradient; clipped after that."""
    gradients = [1.0, 3.0, 5.0, -1.0, 7.0]
    assert moved(optimizers.SGD(1.0, gradient_accumulation_steps=2), gradients) == [
        0.0, -2.0, -2.0, -4.0, -4.0
    ]  # fmt: skip
    clipped = optimizers.SGD(1.0, gradient_accumulation_steps=2, clipvalue=1.5)
    assert moved(clipped, gradients) == [0.0, -1.5, -1.5, -3.0, -3.0]
    assert int(clipped.iterations) == 2


def test_accumulated_steps_count_as_one():
    """Adam corrects its means by the number of updates, and keeps them in the steps between."""
    alone = moved(optimizers.Adam(0.1), [2.0, 1.0])
    pairs = moved(optimizers.Adam(0.1, gradient_accumulation_steps=2), [1.0, 3.0, 2.0, 0.0])
    assert pairs[0] == 0.0 and pairs[2] == pairs[1]
    np.testing.assert_allclose(pairs[1::2], alone, rtol=1e-6)


def test_accumulation_leaves_what_an_update_would_spoil():
    """A step that is not taken changes nothing, however large it would be."""
    rate = schedules.PiecewiseConstantDecay([0], [1e18, 0.5])
    assert moved(optimizers.SGD(rate, gradient_accumulation_steps=2), [20.0, 2.0]) == [0.0, -5.5]


def test_accumulation_in_a_program():
    """w stays while it adds up, so the gradients are equal: as with one step in three."""
    every = trained(optimizers.SGD(0.25), 2)
    third = trained(optimizers.SGD(0.25, gradient_accumulation_steps=3), 6)
    assert third == [0.0, 0.0, every[0], every[0], every[0], every[1]]


# --- the learning rate --------------------------------------------------------------------------


def test_a_schedule_counts_the_steps_from_0():
    rate = schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25])
    assert moved(optimizers.SGD(rate), [1.0] * 3) == [-1.0, -1.5, -1.75]
    optimizer = optimizers.SGD(rate)
    assert [v.name for v in optimizer.variables] == ["iterations"]
    assert float(optimizer.learning_rate) == 1.0
    with pytest.raises(TypeError, match="SGD: the learning rate is PiecewiseConstantDecay"):
        optimizer.learning_rate = 0.1


def test_a_function_as_learning_rate():
    rate = sheer.Variable(0.5)
    optimizer = optimizers.SGD(lambda: rate)
    assert moved(optimizer, [1.0]) == [-0.5]
    rate.assign(0.25)
    assert moved(optimizer, [1.0]) == [-0.25]
    assert optimizers.SGD(lambda: 0.5).get_config()["momentum"] == 0.0


def test_another_learning_rate_is_traced_anew():
    """A number in place of a number needs no new program; a schedule does, and has its own."""
    made = model(optimizers.SGD(0.25))
    made.train_on_batch(ONE, ONE)
    assert made.get_weights()[0].item() == 0.5
    made.optimizer.learning_rate = schedules.ExponentialDecay(0.125, 1, 0.5)
    made.train_on_batch(ONE, ONE)  # the second step: 0.0625 · 2 · 0.5
    assert made.get_weights()[0].item() == 0.5625
    assert [v.name for v in made.optimizer.variables] == ["iterations"]
    assert "learning_rate = 0.125 * 0.5 ** steps" in str(made.train_program())


def test_schedules_in_configs():
    optimizer = optimizers.Adam(schedules.CosineDecay(0.5, 10, alpha=0.25))
    config = optimizers.serialize(optimizer)
    rate = config["config"]["learning_rate"]
    assert rate["class_name"] == "CosineDecay" and rate["config"]["alpha"] == 0.25
    assert rate["module"] == "keras.optimizers.schedules"
    again = optimizers.deserialize(config)
    assert type(again.learning_rate) is type(optimizer.learning_rate)
    assert optimizers.serialize(again) == config


def test_a_schedule_of_ones_own():
    class Halved(schedules.LearningRateSchedule):
        def __call__(self, step):
            return sheer.ops.power(0.5, sheer.ops.cast(step, "float32"))

    assert moved(optimizers.SGD(Halved()), [1.0, 1.0]) == [-1.0, -1.5]
    assert trained(optimizers.SGD(Halved()), 1) == [2.0]
    config = optimizers.serialize(optimizers.SGD(Halved()))
    again = optimizers.deserialize(config, custom_objects={"Halved": Halved})
    assert moved(again, [1.0]) == [-1.0]
    with pytest.raises(NotImplementedError, match="LearningRateSchedule needs a method __call__"):
        schedules.LearningRateSchedule()(0)


RATES = {
    "ExponentialDecay": {"decay_steps": 5, "decay_rate": 0.5},
    "InverseTimeDecay": {"decay_steps": 5, "decay_rate": 0.5},
    "PolynomialDecay": {"decay_steps": 5},
    "CosineDecay": {"decay_steps": 5},
    "CosineDecayRestarts": {"first_decay_steps": 5},
}


def a_schedule(cls, **arguments):
    if cls is schedules.PiecewiseConstantDecay:
        return cls(**{"boundaries": [1], "values": [0.5, 0.25]} | arguments)
    return cls(**{"initial_learning_rate": 0.5} | RATES[cls.__name__] | arguments)


@pytest.mark.parametrize("cls", SCHEDULES.classes(), ids=lambda cls: cls.__name__)
def test_arguments_of_schedules(cls):
    for name, check in cls.arguments.items():
        assert check.breakers
        for value in check.breakers:
            with pytest.raises(ValueError) as error:
                a_schedule(cls, **{name: value})
            text = f"{cls.__name__}: {name} must be {check.words}. Got {value!r}."
            assert str(error.value) == text


def test_piecewise_needs_rising_boundaries():
    for boundaries, values in [([1, 2], [0.1, 0.2]), ([2, 1], [0.1, 0.2, 0.3])]:
        with pytest.raises(ValueError) as error:
            schedules.PiecewiseConstantDecay(boundaries, values)
        assert str(error.value) == (
            "PiecewiseConstantDecay: boundaries must rise, and values be one more than those. "
            f"Got boundaries={boundaries!r}, values={values!r}."
        )


@pytest.mark.parametrize("cls", SCHEDULES.classes(), ids=lambda cls: cls.__name__)
def test_schedules_are_lines_of_the_program(cls):
    """They are computed from the count of the steps, and have kernels."""
    made = model(optimizers.SGD(a_schedule(cls)))
    program = made.train_program()
    update = str(program).split("# 4. update: sgd")[1].split("# 5.")[0]
    assert "sgd.iterations" in update and "learning_rate = " in update
    assert "sgd.learning_rate" not in str(program)
    if sheer.config.engine() == "native":
        assert "no lines left to NumPy" in program.explain(32)


# --- decay and scale ----------------------------------------------------------------------------


def test_weights_excluded_from_decay():
    weights = [sheer.Variable([2.0], name=name) for name in ("kernel", "bias", "scale")]
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[weights[2]], var_names=["bias"])
    optimizer.apply([sheer.Tensor([0.0])] * 3, weights)
    assert [w.numpy().item() for w in weights] == [1.5, 2.0, 2.0]
    with pytest.raises(ValueError) as error:
        optimizer.exclude_from_weight_decay(var_names=["kernel"])
    assert str(error.value) == (
        "SGD: exclude_from_weight_decay must be called before the optimizer is built, which its "
        "first step does."
    )


def test_adamw_needs_a_decay():
    assert optimizers.AdamW().weight_decay == 0.004
    with pytest.raises(ValueError) as error:
        optimizers.AdamW(weight_decay=None)
    assert str(error.value) == "AdamW: weight_decay must be a number of 0 or more. Got None."


def test_loss_scale():
    """The gradient is of 8 times the loss, and divided by 8; the figure is that of the loss."""
    made = model(optimizers.SGD(0.25, loss_scale_factor=8.0))
    assert float(made.optimizer.scale_loss(sheer.Tensor(2.0))) == 16.0
    assert made.train_on_batch(ONE, ONE) == 1.0
    assert made.get_weights()[0].item() == 0.5
    assert moved(optimizers.SGD(1.0, loss_scale_factor=4.0), [8.0]) == [-2.0]


# --- Muon ---------------------------------------------------------------------------------------


def test_muon_makes_steps_orthogonal():
    """The singular values of a step are near 1 (Newton and Schulz's steps end within 0.3 of it)."""
    matrix = np.random.default_rng(0).normal(size=(6, 4))
    step = optimizers.muon.orthogonalized(sheer.Tensor(matrix)).numpy()
    found = np.linalg.svd(step, compute_uv=False)
    assert (abs(found - 1) < 0.35).all()
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    assert np.sum(step * (u @ v)) / 4 > 0.8


def test_muon_leaves_some_weights_to_adam():
    shapes = {"embedding/embeddings": (3, 2), "head/kernel": (2, 2), "dense/kernel": (2, 2)}
    weights = []
    for path, shape in shapes.items():
        weights.append(sheer.Variable(np.zeros(shape), name="kernel"))
        weights[-1].path = path
    muon = optimizers.Muon(exclude_layers=["^head"])
    muon.build(weights)
    assert [v.name for v in muon.variables[2:]] == [
        "embedding_embeddings_momentum",
        "embedding_embeddings_velocity",
        "head_kernel_momentum",
        "head_kernel_velocity",
        "dense_kernel_momentum",
    ]


def test_adafactor_keeps_numbers_for_vectors_too():
    """They are in Keras's files, as int32, and never change."""
    weights = [
        sheer.Variable(np.ones(shape), name=name) for name, shape in (("a", 3), ("b", (3, 2)))
    ]
    optimizer = optimizers.Adafactor(0.1)
    optimizer.apply([sheer.Tensor(w.numpy()) for w in weights], weights)
    assert [(v.name, v.shape, v.dtype) for v in optimizer.variables[2:]] == [
        ("a_r", (), "int32"),
        ("a_c", (), "int32"),
        ("a_velocity", (3,), "float64"),
        ("b_r", (3,), "float64"),
        ("b_c", (2,), "float64"),
        ("b_velocity", (3, 2), "float64"),
    ]
    assert int(optimizer.slot(weights[0], "r")) == 0


# --- every optimizer ----------------------------------------------------------------------------


def network(optimizer):
    sheer.utils.clear_session()
    sheer.utils.set_random_seed(1)
    made = sheer.Sequential(
        [sheer.Input((5,)), layers.Dense(8, "tanh"), layers.Dense(1, kernel_constraint="max_norm")]
    )
    made.compile(optimizer, "mse")
    return made


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_no_line_is_left_to_numpy(cls):
    if sheer.config.engine() != "native":
        pytest.skip("needs the native engine")
    for options in ({}, {"use_ema": True, "ema_overwrite_frequency": 5, "clipnorm": 1.0,
                         "gradient_accumulation_steps": 4, "weight_decay": 0.1}):  # fmt: skip
        assert "no lines left to NumPy" in network(cls(**options)).train_program().explain(32)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_lines_fit_the_page(cls):
    program = str(network(cls(gradient_accumulation_steps=2, name="o")).train_program())
    assert max(map(len, program.splitlines())) <= 100


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_scripts_begin_with_the_same_state(cls, tmp_path):
    """Sums that begin at 0.1, products at 1, copies of weights: the script trains as `fit` does."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 5)).astype("float32")
    y = x[:, :1] + 1
    made = network(cls(0.01))
    history = made.fit(x, y, epochs=3, batch_size=16, verbose=0)
    made.write_program(tmp_path / "train.py")
    run = [sys.executable, "train.py"]
    out = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    losses = [float(text) for text in re.findall(r" loss: ([\d.]+)", out)][:3]
    np.testing.assert_allclose(losses, history.history["loss"], rtol=1e-4)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_file_keeps_the_state(cls, tmp_path):
    """Saved in the middle of three steps that are one update, with means of the weights."""
    pytest.importorskip("h5py")
    x = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
    y = x[:, :1] + 1
    rate = schedules.CosineDecay(0.01, 20, warmup_target=0.1, warmup_steps=3)
    made = network(cls(rate, gradient_accumulation_steps=3, use_ema=True))
    for _ in range(4):
        made.train_on_batch(x, y)
    made.save(tmp_path / "model.keras")
    again = sheer.saving.load_model(tmp_path / "model.keras")
    for one in (made, again):
        for _ in range(3):
            one.train_on_batch(x, y)
    for a, b in zip(made.get_weights(), again.get_weights(), strict=True):
        assert (a == b).all()
    for a, b in zip(made.optimizer.variables, again.optimizer.variables, strict=True):
        assert (a.numpy() == b.numpy()).all()


# --- state --------------------------------------------------------------------------------------


def test_state_is_stored_by_number():
    weight = sheer.Variable([1.0, 2.0], name="w")
    adam = optimizers.Adam(0.5)
    adam.apply([sheer.Tensor([1.0, 1.0])], [weight])
    store = {}
    adam.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3"] and store["0"] == 1
    other = optimizers.Adam(0.1)
    other.build([weight])
    other.load_own_variables(store)
    assert float(other.learning_rate) == 0.5 and int(other.iterations) == 1
    assert (other.slot(weight, "velocity").numpy() == store["3"]).all()
    with pytest.raises(ValueError) as error:
        optimizers.SGD().load_own_variables(store)
    assert str(error.value) == (
        "SGD: 4 values were stored, and the optimizer has 2 variables. Is it of the same kind, "
        "with the same arguments, and built for the same weights?"
    )


class KerasSGD(optimizers.Optimizer):
    """Written as Keras's documentation does it."""

    def __init__(self, learning_rate=0.01, momentum=0.5, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = []
        for variable in variables:
            self.momentums.append(
                self.add_variable_from_reference(reference_variable=variable, name="momentum")
            )

    def update_step(self, gradient, variable, learning_rate):
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, self.momentum * m - gradient * learning_rate)
        self.assign_add(variable, m)


def test_an_optimizer_written_for_keras():
    own, ours = KerasSGD(0.25), optimizers.SGD(0.25, momentum=0.5)
    assert moved(own, [1.0, 2.0, -1.0]) == moved(ours, [1.0, 2.0, -1.0])
    assert [v.path for v in own.variables[2:]] == ["kerassgd/w_momentum"]
    assert trained(KerasSGD(0.25), 3) == trained(optimizers.SGD(0.25, momentum=0.5), 3)
    with pytest.raises(ValueError) as error:
        moved(own, [1.0])
    assert str(error.value) == (
        "KerasSGD: its build leaves out w, as it was built for other weights before. Make a new "
        "optimizer for these."
    )


def test_variables_of_several_names():
    weights = [sheer.Variable([1.0], name="a"), sheer.Variable([1.0, 2.0], name="b")]
    optimizer = optimizers.SGD()
    first, second = optimizer.add_optimizer_variables(weights, ["m", "v"], ["ones", "zeros"])
    assert [v.name for v in optimizer.variables[2:]] == ["a_m", "a_v", "b_m", "b_v"]
    assert first[1].numpy().tolist() == [1.0, 1.0] and second[1].numpy().tolist() == [0.0, 0.0]
    assert [v.name for v in optimizer.add_optimizer_variables(weights, "n")] == ["a_n", "b_n"]
    with pytest.raises(ValueError, match="add_variable: layout is not in sheer yet"):
        optimizer.add_variable((1,), layout="rows")

"""24 steps of each optimizer with each of its options, learning rates of schedules, and the small
words of fixed values: Keras's figures."""

import re

import numpy as np
import pytest

import sheer
from recorded import recorded
from sheer import optimizers
from sheer.core.registry import snake_case
from sheer.optimizers import schedules

FIGURES, DATA = recorded("optimizers.json"), recorded("optimizers.npz")
CASES = FIGURES["cases"]
PATHS = [name.removeprefix("first/") for name in DATA if name.startswith("first/")]
NAMES = [f"{c['optimizer']} {c['kwargs']} {' '.join(c['excluded'])}" for c in CASES]
pytestmark = pytest.mark.usefixtures("float64")


def made(case):
    config = {"learning_rate": 0.05, **case["kwargs"]}
    return optimizers.get({"class_name": case["optimizer"], "config": config})


def weights():
    variables = []
    for path in PATHS:
        variable = sheer.Variable(DATA[f"first/{path}"], name=path.split("/")[1])
        variable.path = path
        variables.append(variable)
    variables[0].constraint = sheer.constraints.MaxNorm(2.5)
    return variables


def flat(variables):
    return np.concatenate([v.numpy().ravel() for v in variables])


def traced(optimizer, variables):
    """A step as a program, on whatever engine there is."""

    @sheer.function
    def step(gradients):
        optimizer.apply(gradients, variables)

    return step


@pytest.mark.parametrize("as_program", [False, True], ids=["eager", "program"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_24_steps(number, as_program):
    """The weights after the first and the last step and after `fit`, and all state in the order
    and the shapes of Keras."""
    case = CASES[number]
    optimizer, variables = made(case), weights()
    if case["excluded"]:
        optimizer.exclude_from_weight_decay(var_list=variables[:1], var_names=case["excluded"])
    step = traced(optimizer, variables) if as_program else None
    for i in range(FIGURES["steps"]):
        gradients = [sheer.Tensor(DATA[f"gradients/{path}"][i]) for path in PATHS]
        if step:
            step(gradients)
        else:
            optimizer.apply(gradients, variables)
        if i == 0:
            assert_near(flat(variables), DATA["after_first"][number])
    assert_near(flat(variables), DATA["after_last"][number])
    optimizer.finalize_variable_values(variables)
    assert_near(flat(variables), DATA["after_fit"][number])
    assert int(optimizer.iterations) == case["iterations"]
    assert [list(v.shape) for v in optimizer.variables] == [shape for _, shape in case["variables"]]
    assert_near(flat(optimizer.variables), state(number))


def assert_near(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-14)


def state(number):
    """All state of a case; that of the cases before it stands before it."""
    sizes = [sum(int(np.prod(shape)) for _, shape in case["variables"]) for case in CASES]
    start = sum(sizes[:number])
    return DATA["state"][start : start + sizes[number]]


# Keras's names, where sheer's say more: of the count, and of state that Keras does not name itself.
OTHER_NAMES = {"iterations": "iteration", "u_product": "variable"}


@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_names_of_the_state(number):
    case = CASES[number]
    optimizer = made(case)
    optimizer.build(weights())
    found = [OTHER_NAMES.get(v.name, v.name) for v in optimizer.variables]
    if case["optimizer"] == "Adafactor":  # dense_kernel_r is kernel
        found = [re.sub(r"^\w+_(\w+)_[rc]$", r"\1", name) for name in found]
    assert found == [name for name, _ in case["variables"]]


def test_every_optimizer_is_here():
    here = {case["optimizer"] for case in CASES}
    assert here == {cls.__name__ for cls in optimizers.base.OPTIMIZERS.classes()}


# --- schedules ----------------------------------------------------------------------------------

RATES = recorded("schedules.json")


@pytest.mark.parametrize(
    "case", RATES["cases"], ids=[f"{c['schedule']} {c['kwargs']}" for c in RATES["cases"]]
)
def test_schedules(case):
    schedule = getattr(schedules, case["schedule"])(**case["kwargs"])
    found = [float(schedule(step)) for step in RATES["steps"]]
    np.testing.assert_allclose(found, case["rates"], rtol=1e-13, atol=1e-16)
    assert schedule.get_config() == case["config"]
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule) and again.get_config() == case["config"]
    # In a program: the steps are a Variable of whole numbers.
    steps = sheer.Variable(np.int64(0))
    rate = sheer.function(lambda: schedule(steps))
    for step, wanted in zip(RATES["steps"], case["rates"], strict=True):
        steps.assign(np.int64(step))
        np.testing.assert_allclose(float(rate()), wanted, rtol=1e-13, atol=1e-16)


def test_every_schedule_is_here():
    here = {case["schedule"] for case in RATES["cases"]}
    assert here == {cls.__name__ for cls in schedules.SCHEDULES.classes()}


# --- small words --------------------------------------------------------------------------------

WORDS = recorded("small_words.json")


@pytest.mark.parametrize("case", WORDS["cases"], ids=lambda c: f"{c['name']} {c['kwargs']}")
def test_regularizers_and_constraints(case):
    module = getattr(sheer, case["module"])
    thing = getattr(module, case["name"])(**case["kwargs"])
    np.testing.assert_allclose(np.array(thing(np.array(WORDS["w"]))), case["value"], rtol=1e-13)
    assert type(module.get(snake_case(case["name"]))) is type(thing)


@pytest.mark.parametrize("case", WORDS["initializers"], ids=lambda c: f"{c['name']} {c['kwargs']}")
def test_initializers(case):
    thing = getattr(sheer.initializers, case["name"])(**case["kwargs"])
    np.testing.assert_allclose(np.array(thing(case["shape"])), case["value"], rtol=1e-13)

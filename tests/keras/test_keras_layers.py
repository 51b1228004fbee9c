"""Layers against Keras's figures, on JAX in float64: outputs, gradients, state after a step of
training; op by op and as a program, on each engine."""

import numpy as np
import pytest

import sheer
from planned import on_engine
from recorded import recorded
from sheer import layers, ops
from sheer.layers import LAYERS

FIGURES = recorded("layers.json")
CASES = FIGURES["cases"]
float64 = pytest.mark.usefixtures("float64")
ENGINES = ["numpy"] if sheer.engines.native.native.why_not() else ["numpy", "native"]


def ids(cases):
    return [f"{c['layer']} {c['kwargs']}" + (" masked" if c.get("mask") else "") for c in cases]


def made(case):
    """The layer of a case, its inputs, and the options of its call."""
    kwargs = dict(case["kwargs"])
    if "layer" in kwargs:
        kwargs["layer"] = LAYERS.deserialize(kwargs["layer"])
    layer = getattr(layers, case["layer"])(**kwargs)
    dtype = "int64" if case["layer"] == "Embedding" else "float64"
    inputs = [sheer.Tensor(np.array(x, dtype)) for x in case["inputs"]]
    options = {} if case.get("mask") is None else {"mask": sheer.Tensor(np.array(case["mask"]))}
    return layer, inputs, options


def joined(inputs):
    return list(inputs) if len(inputs) > 1 else inputs[0]


def prepared(case):
    """The same with the weights of the case."""
    layer, inputs, options = made(case)
    layer(joined(inputs), **options)
    assert [weight.name for weight in layer.weights] == case["names"]
    layer.set_weights([np.array(w) for w in case["weights"]])
    return layer, inputs, options


def close(found, wanted):
    found = np.asarray(found)
    np.testing.assert_allclose(found, np.array(wanted).reshape(found.shape), rtol=1e-9, atol=1e-12)


def stepped(layer, options):
    """A function of inputs: the output in training, the gradients, the losses."""

    def step(*inputs):
        floats = [x for x in inputs if x.dtype == "float64"]
        with sheer.GradientTape() as tape:
            tape.watch(floats)
            output = layer(joined(inputs), training=True, **options)
            size = int(np.prod(output.shape))
            total = ops.sum(output * np.cos(np.arange(size)).reshape(output.shape))
        slopes = tape.gradient(total, [*layer.trainable_weights, *floats])
        return output, slopes, layer.losses

    return step


@float64
@pytest.mark.parametrize("how", ["op by op", *ENGINES])
@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_a_step(case, how):
    layer, inputs, options = prepared(case)
    wanted = case["training"] if case["inference"] is None else case["inference"]
    close(layer(joined(inputs), **options), wanted)
    step = stepped(layer, options)
    if how == "op by op":
        output, slopes, losses = step(*inputs)
    else:
        with on_engine(how):
            output, slopes, losses = sheer.function(step)(*inputs)
    close(output, case["training"])
    for slope, figure in zip(
        slopes, [*case["weight_slopes"], *(case["input_slopes"] or [])], strict=True
    ):
        close(slope, figure)
    assert [float(v) for v in losses] == pytest.approx(case["losses"])
    for weight, figure in zip(layer.non_trainable_weights, case["after"], strict=True):
        close(weight, figure)


@float64
@pytest.mark.parametrize("case", FIGURES["masks"], ids=ids(FIGURES["masks"]))
def test_masks(case):
    layer, inputs, _ = made({**case, "mask": None})
    masks = [m if m is None else sheer.Tensor(np.array(m)) for m in case["masks"]]
    found = layer.compute_mask(inputs, masks)
    assert (found if found is None else found.numpy().tolist()) == case["mask"]


@pytest.mark.parametrize("name", FIGURES["configs"])
def test_configs(name):
    cls = getattr(layers, name)
    layer = cls(**FIGURES["needed"].get(name, {}))
    here = layer.get_config()
    for key, value in FIGURES["configs"][name].items():
        if key == "dtype" or (key, value) == ("activity_regularizer", None):
            continue  # in Keras a policy of dtypes; sheer leaves None out
        if key not in here:
            assert key in cls.lacks and cls.lacks[key] == value
        elif isinstance(value, dict):
            config = {k: v for k, v in value["config"].items() if not k.endswith("_axes")}
            assert here[key]["class_name"] == value["class_name"], key
            assert config.items() <= here[key]["config"].items(), key
        else:
            assert (list(here[key]) if isinstance(here[key], tuple) else here[key]) == value, key


@pytest.mark.parametrize("name", FIGURES["supports_masking"])
def test_who_supports_masks(name):
    layer = getattr(layers, name)(**FIGURES["needed"].get(name, {}))
    assert bool(getattr(layer, "supports_masking", False)) == FIGURES["supports_masking"][name]

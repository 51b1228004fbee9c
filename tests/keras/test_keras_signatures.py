"""Names of parameters and their defaults are Keras's; every difference stands here, or in the
`lacks` of its class, where giving it is a clear error."""

import inspect

import pytest

import sheer
from recorded import recorded
from sheer import layers
from sheer.activations import ACTIVATIONS
from sheer.constraints import CONSTRAINTS
from sheer.core.registry import snake_case
from sheer.initializers import INITIALIZERS
from sheer.losses.base import LOSSES
from sheer.metrics.base import METRICS
from sheer.optimizers.base import OPTIMIZERS
from sheer.regularizers import REGULARIZERS

LAYERS = {
    f"layers.{name}"
    for name in ("Input", "Layer", *layers.__all__)
    if name not in ("LAYERS", "InputSpec")
}
KERAS = {
    name: parameters
    for name, parameters in recorded("signatures.json")["signatures"].items()
    # Ops have tests of their own; of the layers, those that sheer has.
    if not name.startswith(("ops.", "random."))
    and (not name.startswith("layers.") or name in LAYERS or name.startswith("layers.Layer."))
}
REGISTRIES = {
    "activations": ACTIVATIONS,
    "constraints": CONSTRAINTS,
    "initializers": INITIALIZERS,
    "losses": LOSSES,
    "metrics": METRICS,
    "optimizers": OPTIMIZERS,
    "regularizers": REGULARIZERS,
}

# What sheer does not have at all, besides what its registries say themselves.
LACKING = {
    # Older spellings of arguments, which Keras refuses in its own words.
    "Model.evaluate": ["**kwargs"],
    "Model.load_weights": ["**kwargs"],
    "Model.save_weights": ["max_shard_size=None"],
    # Refused in words of their own, see test_arguments_that_only_keras_has.
    "layers.Input": ["sparse=None", "ragged=None", "tensor=None", "optional=False"],
    "optimizers.Optimizer.add_variable": ["aggregation='none'", "layout=None"],
    "layers.Layer.add_weight": [
        "*args",
        "autocast=True",
        "aggregation='none'",
        "overwrite_with_gradient=False",
    ],
    # One function for all of them; its parameter is called `thing`.
    **{
        f"{module}.serialize": [one]
        for module, one in [
            ("losses", "loss"),
            ("metrics", "metric"),
            ("optimizers", "optimizer"),
            ("initializers", "initializer"),
            ("regularizers", "regularizer"),
            ("constraints", "constraint"),
        ]
    },
    # The other ones call it `config`, and so does sheer.
    "losses.deserialize": ["name"],
}
ABSENT = {"optimizers.OptimizerMap", "callbacks.OrbaxCheckpoint"}


def found(name):
    thing = sheer
    for part in name.split("."):
        thing = getattr(thing, part, None)
    return thing


def written(thing):
    """Its parameters, each as it would be written in a def."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    parameters = inspect.signature(function).parameters.values()
    found = [str(p.replace(annotation=p.empty)) for p in parameters if p.name != "self"]
    if "**shared" in found:
        # What all optimizers take by name is written once, in their base.
        own = {p.partition("=")[0] for p in found}
        base = [p for p in written(sheer.optimizers.Optimizer) if p.partition("=")[0] not in own]
        found = [p for p in found if p != "**shared"] + base
    return found


def lacks(thing):
    """What the class says that it lacks."""
    all_of_it = {}
    for cls in getattr(thing, "__mro__", []):
        all_of_it |= vars(cls).get("lacks", {})
    return {f"{name}={default!r}" for name, default in all_of_it.items()}


PRESENT = [name for name in KERAS if found(name) is not None]


def test_what_keras_has_and_sheer_has_not():
    absent = set(KERAS) - set(PRESENT)
    lacking = {
        f"{module}.{name}"
        for module, registry in REGISTRIES.items()
        for cls in registry.lacking
        for name in (cls, snake_case(cls))
    }
    assert absent - lacking == ABSENT
    # And sheer does have all the rest: no registry says that it lacks what is there.
    assert not {name for name in lacking if found(name) is not None}


@pytest.mark.parametrize("name", PRESENT)
def test_parameters(name):
    thing = found(name)
    keras = [p for p in KERAS[name] if p not in ("*", "/")]
    here = written(thing)
    lacked = set(LACKING.get(name, [])) | lacks(thing)
    if "**kwargs" in keras and "**kwargs" not in here:
        lacked.add("**kwargs")
    # Keras writes 0 where it means 0.0.
    here = [p.replace("label_smoothing=0.0", "label_smoothing=0") for p in here]
    keras = [p.replace("label_smoothing=0.0", "label_smoothing=0") for p in keras]
    common = [p for p in keras if p in here]
    if name == "optimizers.Muon":  # Keras has what all optimizers take in the middle
        common.sort(key=here.index)
    assert set(keras) - set(here) <= lacked
    assert not set(LACKING.get(name, [])) & set(here), "it is there: take it off the list"
    assert [p for p in here if p in common] == common, "the order"
    # What sheer has besides can be left out, so it must have a default.
    extra = set(here) - set(keras)
    assert all("=" in p or p.startswith("*") for p in extra - {"thing", "config"})


WITH_LACKS = [
    cls
    for registry in [*REGISTRIES.values(), sheer.layers.LAYERS]
    for cls in registry.classes()
    # A Sequential takes what Keras's takes, and nothing of a Layer's.
    if lacks(cls) and cls is not sheer.Sequential
]

ARGUMENTS = {
    "Activation": {"activation": "relu"},
    "AlphaDropout": {"rate": 0.5},
    "CategoryEncoding": {"num_tokens": 1},
    "Dense": {"units": 1},
    "Discretization": {"num_bins": 2},
    "Dot": {"axes": 1},
    "Dropout": {"rate": 0.5},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 1},
    "Embedding": {"input_dim": 1, "output_dim": 1},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.5},
    "Hashing": {"num_bins": 1},
    "Functional": {"inputs": (x := sheer.Input((1,))), "outputs": sheer.layers.Dense(1)(x)},
    "InputLayer": {"shape": (1,)},
    "Lambda": {"function": abs},
    "Permute": {"dims": (1,)},
    "RepeatVector": {"n": 1},
    "Rescaling": {"scale": 1},
    "Reshape": {"target_shape": (1,)},
    "TimeDistributed": {"layer": sheer.layers.Dense(1)},
    "Wrapper": {"layer": sheer.layers.Dense(1)},
}


@pytest.mark.parametrize("cls", WITH_LACKS, ids=lambda cls: cls.__qualname__)
def test_arguments_that_only_keras_has(cls):
    """Keras's default passes, anything else is an error that says so, and so are unknown names."""
    arguments = ARGUMENTS.get(cls.__name__, {})
    for base in cls.__mro__:
        for name, default in vars(base).get("lacks", {}).items():
            cls(**arguments, **{name: default})
            with pytest.raises(ValueError) as error:
                cls(**arguments, **{name: 0.125})
            assert str(error.value) == (
                f"{cls.__name__}: {name} is not in sheer yet; only Keras's default, {default!r}, "
                "can be given. Got 0.125."
            )
    with pytest.raises(TypeError, match=f"{cls.__name__}: unknown argument 'zzz'. Known: "):
        cls(**arguments, zzz=1)


def test_unknown_arguments_are_told_apart():
    for call, text in [
        (lambda: sheer.optimizers.SGD(learning_rat=1), "SGD: unknown argument 'learning_rat'. "
         "Did you mean 'learning_rate'?"),
        (lambda: sheer.layers.Dense(3, bias_initialiser="ones"),
         "Dense: unknown argument 'bias_initialiser'. Did you mean 'bias_initializer'?"),
        (lambda: sheer.layers.Dense(3, input_shape=(4,)),
         "Dense: input_shape is not an argument of layers. Say the shape of the data once, at the "
         "start: Sequential([Input((784,)), ...])."),
        (lambda: sheer.Input((3,), shap=True),
         "Input: unknown argument 'shap'. Did you mean 'shape'?"),
    ]:  # fmt: skip
        with pytest.raises(TypeError) as error:
            call()
        assert str(error.value) == text
    with pytest.raises(ValueError) as error:
        sheer.Input((3,), sparse=True)
    assert str(error.value) == (
        "Input: sparse is not in sheer yet; only Keras's default, None, can be given. Got True."
    )
    with pytest.raises(ValueError) as error:
        sheer.layers.Dense(1).add_weight((2,), autocast=False)
    assert str(error.value) == (
        "dense.add_weight: autocast is not in sheer yet; only Keras's default, True, can be given. "
        "Got False."
    )


# --- configs ----------------------------------------------------------------------------------

CONFIGS = {
    name: config
    for name, config in recorded("signatures.json")["configs"].items()
    if isinstance(found(name), type) and name not in ("losses.Loss", "metrics.Metric")
}
ARGUMENTS_OF = {
    "layers.Dense": (3,),
    "layers.Activation": ("relu",),
    "layers.Dropout": (0.5,),
    "layers.InputLayer": ((4,),),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(name):
    """A new instance's config says all that Keras's says; and Keras's makes such an instance."""
    cls = found(name)
    thing = cls(*ARGUMENTS_OF.get(name, ()))
    here = thing.get_config()
    for key, value in CONFIGS[name].items():
        if name.startswith("optimizers.") and key == "name":
            # Keras's rule makes rm_sprop of RMSprop; these names stand in programs.
            assert here[key] == value.replace("_", "")
        elif name.startswith("layers.") and key == "dtype":
            assert here[key] == "float32"  # in Keras a policy of dtypes
        elif key not in here:
            assert f"{key}={value!r}" in lacks(cls) or (name, key) in IMPLIED
        elif name.startswith("layers."):
            assert same_layer_value(here[key], value), key
        else:
            assert here[key] == value, key
    if not name.startswith("layers."):
        again = cls.from_config(CONFIGS[name])
        known = {**CONFIGS[name], "name": here["name"]} if "name" in here else CONFIGS[name]
        assert cls.from_config(known).get_config() == here
        assert type(again) is cls


# sheer's layers say them in other words.
IMPLIED = {
    ("layers.InputLayer", "sparse"),
    ("layers.InputLayer", "ragged"),
}


def same_layer_value(here, keras):
    """Keras writes tuples as lists."""
    if isinstance(keras, list):
        return list(here) == keras
    return here == keras

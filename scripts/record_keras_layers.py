"""Record Keras's figures for layers: `layers.json` beside the files of record_keras.py.

    pip install keras jax            # in a scratch environment; sheer's own tests need neither
    python scripts/record_keras_layers.py

Each case is a layer, its arguments, weights and inputs; its output outside of training, null where
it is the same; its output in training, the gradients of sum(output · cos(0, 1, 2, ...)) by inputs
and trained weights, the losses that it adds, and its other weights after that one step. `masks` has
answers of compute_mask, `configs` the configs of default instances, `supports_masking` who does.
"""

import inspect
from typing import Any

from record_keras import Array, Json, config, jax, keras, np, precision, write_json

DENSE: Json = {"class_name": "Dense", "config": {"units": 3}}
BATCH: Json = {"class_name": "BatchNormalization", "config": {"epsilon": 0.1}}
FLAT, CUBE = (3, 4), (3, 2, 4)
MASK = [[True, False], [True, True], [False, True]]

# The layer, its arguments, the shapes of its inputs.
CASES: list[tuple[str, Json, list[tuple[int, ...]]]] = [
    ("ReLU", {}, [FLAT]),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, [FLAT]),
    ("LeakyReLU", {}, [FLAT]),
    ("LeakyReLU", {"negative_slope": 0.1}, [FLAT]),
    ("ELU", {}, [FLAT]),
    ("ELU", {"alpha": 0.5}, [FLAT]),
    ("PReLU", {}, [FLAT]),
    ("PReLU", {"shared_axes": [1]}, [CUBE]),
    ("Softmax", {}, [FLAT]),
    ("Softmax", {"axis": 1}, [CUBE]),
    ("Softmax", {"axis": [1, 2]}, [CUBE]),
    ("BatchNormalization", {}, [FLAT]),
    ("BatchNormalization", {"momentum": 0.9, "epsilon": 0.1}, [CUBE]),
    ("BatchNormalization", {"axis": 1}, [CUBE]),
    ("BatchNormalization", {"center": False, "scale": False}, [FLAT]),
    ("BatchNormalization", {"trainable": False}, [FLAT]),
    ("BatchNormalization", {}, [(1, 4)]),
    ("LayerNormalization", {}, [FLAT]),
    ("LayerNormalization", {"axis": [1, 2], "epsilon": 0.1}, [CUBE]),
    ("LayerNormalization", {"axis": 1, "center": False}, [CUBE]),
    ("LayerNormalization", {"scale": False}, [CUBE]),
    ("GroupNormalization", {"groups": 2}, [FLAT]),
    ("GroupNormalization", {"groups": 2, "epsilon": 0.1}, [CUBE]),
    ("GroupNormalization", {"groups": 2, "axis": 1}, [(3, 4, 2)]),
    ("GroupNormalization", {"groups": -1, "scale": False}, [CUBE]),
    ("UnitNormalization", {}, [FLAT]),
    ("UnitNormalization", {"axis": [1, 2]}, [CUBE]),
    ("RMSNormalization", {}, [FLAT]),
    ("RMSNormalization", {"axis": [1, 2], "epsilon": 0.1}, [CUBE]),
    ("ActivityRegularization", {"l1": 0.5, "l2": 0.25}, [CUBE]),
    ("Identity", {}, [FLAT]),
    ("Embedding", {"input_dim": 5, "output_dim": 2}, [FLAT]),
    ("Embedding", {"input_dim": 5, "output_dim": 2, "mask_zero": True}, [FLAT]),
    ("Flatten", {}, [CUBE]),
    ("Flatten", {"data_format": "channels_first"}, [(2, 2, 3, 2)]),
    ("Reshape", {"target_shape": (2, -1)}, [FLAT]),
    ("Reshape", {"target_shape": (4, 2)}, [CUBE]),
    ("Permute", {"dims": (2, 1)}, [CUBE]),
    ("Permute", {"dims": (3, 1, 2)}, [(2, 2, 3, 2)]),
    ("RepeatVector", {"n": 2}, [FLAT]),
    ("Add", {}, [FLAT, FLAT, FLAT]),
    ("Add", {}, [CUBE, (3, 1, 4)]),
    ("Add", {}, [CUBE, FLAT]),
    ("Subtract", {}, [FLAT, FLAT]),
    ("Multiply", {}, [FLAT, FLAT, FLAT]),
    ("Average", {}, [FLAT, FLAT, FLAT]),
    ("Maximum", {}, [FLAT, FLAT, FLAT]),
    ("Minimum", {}, [FLAT, FLAT, FLAT]),
    ("Concatenate", {}, [FLAT, (3, 2)]),
    ("Concatenate", {"axis": 1}, [CUBE, (3, 1, 4)]),
    ("Dot", {"axes": 1}, [FLAT, FLAT]),
    ("Dot", {"axes": -1, "normalize": True}, [FLAT, FLAT]),
    ("Dot", {"axes": 2}, [CUBE, (3, 3, 4)]),
    ("Dot", {"axes": (2, 1)}, [CUBE, (3, 4, 3)]),
    ("Dot", {"axes": (2, 1)}, [CUBE, FLAT]),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"}, [FLAT]),
    (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 3, 2), "bias_axes": "e"},
        [CUBE],
    ),
    ("EinsumDense", {"equation": "...a,ab->...b", "output_shape": 3, "activation": "tanh"}, [CUBE]),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 3, "bias_axes": "c"}, [CUBE]),
    ("TimeDistributed", {"layer": DENSE}, [CUBE]),
    ("TimeDistributed", {"layer": BATCH}, [CUBE]),
]
# The same with a mask for the call.
MASKED: list[tuple[str, Json, list[tuple[int, ...]], Any]] = [
    ("BatchNormalization", {}, [CUBE], MASK),
    ("Softmax", {}, [(3, 2)], MASK),
    ("TimeDistributed", {"layer": DENSE}, [CUBE], MASK),
]
# compute_mask: the layer, its arguments, the shapes of its inputs, their masks.
MASKS: list[tuple[str, Json, list[tuple[int, ...]], list[Any]]] = [
    ("Add", {}, [CUBE, CUBE], [MASK, [[True, True], [False, False], [False, True]]]),
    ("Multiply", {}, [CUBE, CUBE], [MASK, None]),
    ("Concatenate", {}, [CUBE, CUBE], [MASK, None]),
    ("Concatenate", {}, [CUBE, CUBE], [MASK, [[False, False], [True, True], [False, True]]]),
    ("Concatenate", {"axis": 1}, [CUBE, (3, 1, 4)], [MASK, [[True], [False], [True]]]),
    ("Dot", {"axes": 2}, [CUBE, CUBE], [MASK, MASK]),
]
NEEDED: dict[str, Json] = {
    "Activation": {"activation": "relu"},
    "AlphaDropout": {"rate": 0.5},
    "Dot": {"axes": 1},
    "Dropout": {"rate": 0.5},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 1},
    "Embedding": {"input_dim": 1, "output_dim": 1},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.5},
    "Permute": {"dims": (1,)},
    "RepeatVector": {"n": 1},
    "Reshape": {"target_shape": (1,)},
}


def made(name: str, kwargs: Json) -> keras.layers.Layer:
    inner = kwargs.get("layer")
    if inner:
        kwargs = {"layer": getattr(keras.layers, inner["class_name"])(**inner["config"])}
    return getattr(keras.layers, name)(**kwargs)


def drawn(name: str, shapes: list[tuple[int, ...]]) -> list[Array]:
    """Inputs: whole numbers for an Embedding, and no ties elsewhere."""
    rng = np.random.default_rng(50)
    if name == "Embedding":
        return [rng.integers(0, 5, size=shape) for shape in shapes]
    return [rng.normal(size=shape).round(3) for shape in shapes]


def case(name: str, kwargs: Json, shapes: list[tuple[int, ...]], mask: Any = None) -> Json:
    keras.utils.clear_session()
    layer, inputs = made(name, kwargs), drawn(name, shapes)
    structure = inputs if len(inputs) > 1 else inputs[0]
    options = {} if mask is None else {"mask": np.array(mask)}
    told = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
    layer(structure, **options)
    rng = np.random.default_rng(60)
    for weight in layer.weights:
        value = rng.uniform(0.5, 2, weight.shape) if "variance" in weight.name else rng.normal(
            size=weight.shape
        )  # fmt: skip
        weight.assign(value.round(3))
    before = [weight.numpy() for weight in layer.weights]
    trained = [weight.value for weight in layer.trainable_variables]
    others = [weight.value for weight in layer.non_trainable_variables]

    def total(trained: Any, inputs: Any) -> Any:
        given = inputs if len(inputs) > 1 else inputs[0]
        output, state = layer.stateless_call(trained, others, given, **told, **options)
        weighed = output * np.cos(np.arange(output.size)).reshape(output.shape)
        return weighed.sum(), (output, state)

    are_floats = inputs[0].dtype.kind == "f"
    by = (0, 1) if are_floats else (0,)
    slopes, (output, state) = jax.grad(total, by, has_aux=True)(trained, inputs)
    inference = layer(structure, **options)
    return {
        "layer": name,
        "kwargs": kwargs,
        "inputs": inputs,
        "mask": mask,
        "names": [weight.name for weight in layer.weights],
        "weights": before,
        "inference": None if np.array_equal(inference, output) else inference,
        "training": output,
        "losses": layer.losses,
        "weight_slopes": slopes[0],
        "input_slopes": slopes[1] if are_floats else None,
        "after": state,
    }


def mask_case(name: str, kwargs: Json, shapes: list[tuple[int, ...]], masks: Any) -> Json:
    layer, inputs = made(name, kwargs), drawn(name, shapes)
    found = layer.compute_mask(inputs, [m if m is None else np.array(m) for m in masks])
    case = {"layer": name, "kwargs": kwargs, "inputs": inputs, "masks": masks}
    return case | {"mask": None if found is None else np.asarray(found)}


def main() -> None:
    precision("float32", keep_64_bits=False)
    names = sorted({name for name, *_ in CASES} | set(NEEDED) - {"TimeDistributed"})
    names = [name for name in names if name != "TimeDistributed"]
    configs, supports = {}, {}
    for name in names:
        layer = made(name, NEEDED.get(name, {}))
        configs[name] = config(lambda layer=layer: layer)
        supports[name] = bool(layer.supports_masking)
    precision("float64", keep_64_bits=True)
    content: Json = {"needed": NEEDED, "configs": configs, "supports_masking": supports}
    content["cases"] = [case(*row) for row in CASES] + [case(*row) for row in MASKED]
    content["masks"] = [mask_case(*row) for row in MASKS]
    write_json("layers.json", content)


if __name__ == "__main__":
    main()

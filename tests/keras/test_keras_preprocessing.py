"""The layers that prepare data: Keras's figures, vocabularies, hashes and configs."""

import numpy as np
import pytest

import sheer
from planned import needs_native, on_engine
from recorded import recorded, refused
from sheer import layers
from sheer.ops.hashing import bins_of_texts, hash_bins

RECORDED = recorded("preprocessing.json")
CASES = [
    case
    for case in RECORDED["cases"]
    # Numbers out of range: Keras refuses them on TensorFlow, on JAX they are in no row; here too.
    if not (refused(case) and case["layer"] == "CategoryEncoding")
]
IDS = [f"{i} {case['layer']} {case['kwargs']}" for i, case in enumerate(CASES)]
# Of the same names as in the script that recorded them.
REFUSED = [case for case in CASES if refused(case)]


def array(value):
    found = np.array(value)
    return found.astype("float32") if found.dtype.kind == "f" else found


def adapted(case):
    layer = getattr(layers, case["layer"])(**case["kwargs"])
    if isinstance(case["adapt"], dict):
        layer.adapt(array(batch) for batch in case["adapt"]["batches"])
    elif case["adapt"] is not None:
        layer.adapt(array(case["adapt"]))
    return layer


def assert_same(found, case):
    assert found.dtype.kind == "U" if case["dtype"] == "string" else found.dtype == case["dtype"]
    assert found.shape == np.shape(case["outputs"])
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, case["outputs"], rtol=2e-6, atol=1e-6)
    else:
        assert found.tolist() == case["outputs"]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_outputs(case):
    if refused(case):
        with pytest.raises(ValueError, match="not in the vocabulary"):
            adapted(case)(array(case["inputs"]))
        return
    layer = adapted(case)
    assert_same(np.asarray(layer(array(case["inputs"]))), case)
    if "vocabulary" in case:
        assert layer.get_vocabulary() == case["vocabulary"]
        assert layer.vocabulary_size() == case["size"] == len(case["vocabulary"])
    if "bin_boundaries" in case:
        np.testing.assert_allclose(layer.bin_boundaries, case["bin_boundaries"], rtol=1e-6)
    if "weights" in case:
        np.testing.assert_allclose(layer.mean, case["mean"], rtol=2e-6, atol=1e-7)
        np.testing.assert_allclose(layer.variance, case["variance"], rtol=2e-6, atol=1e-7)
        weights = [[w.name, list(w.shape), w.dtype] for w in layer.weights]
        assert weights == [[n, s, "int32" if n == "count" else d] for n, s, d in case["weights"]]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_shapes(case):
    shape = np.shape(case["inputs"])
    if not refused(case) and shape:
        assert adapted_and_built(case).compute_output_shape(shape) == np.shape(case["outputs"])


def adapted_and_built(case):
    layer = adapted(case)
    layer.build(np.shape(case["inputs"]))
    return layer


TRACED = [
    pytest.param(case, id=name)
    for case, name in zip(CASES, IDS, strict=True)
    if np.asarray(case["inputs"]).dtype.kind != "U" and case.get("dtype") != "string"
]


@pytest.mark.parametrize("engine", ["numpy", pytest.param("native", marks=needs_native)])
@pytest.mark.parametrize("case", TRACED)
def test_in_programs(case, engine):
    layer, x = adapted_and_built(case), array(case["inputs"])
    traced = sheer.function(lambda x: layer(x))
    with on_engine(engine):
        if refused(case):
            with pytest.raises(ValueError, match="not in the vocabulary"):
                traced(x)
        else:
            assert_same(traced(x).numpy(), case)
            if x.ndim > 1:  # for n rows
                assert_same(traced(np.concatenate([x, x])).numpy()[: len(x)], case)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_config_round_trip(case):
    """What was learned comes along, but for the weights of Normalization."""
    if refused(case):
        return
    layer = adapted_and_built(case)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again.build(np.shape(case["inputs"]))
    again.set_weights(layer.get_weights())
    x = array(case["inputs"])
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(layer(x)))


@pytest.mark.parametrize("name", RECORDED["configs"])
def test_configs_of_keras(name):
    config = RECORDED["configs"][name]
    cls = getattr(layers, name.split()[0])
    here = cls.from_config(config).get_config()
    # Keras keeps a policy of dtypes; the size of a vocabulary follows from it; ways without effect.
    implied = {"dtype", "vocabulary_size"} | ({"oov_method"} if "encoding" in config else set())
    for key, value in config.items():
        if key == "sparse" or key in implied:
            continue
        found = list(here[key]) if isinstance(here[key], tuple) else here[key]
        assert found == value, key


HASHES = RECORDED["hashes"]
MOST = 2**63 - 1


def test_hashes():
    """Texts of 0 to 200 bytes, so that each way through the hash is taken."""
    texts = [text.encode() for text in HASHES["texts"]]
    numbers = np.array(HASHES["numbers"])
    assert bins_of_texts(texts, MOST).tolist() == HASHES["farm"]
    assert bins_of_texts(texts, MOST, [133, 137]).tolist() == HASHES["sip"]
    assert hash_bins(numbers, MOST).numpy().tolist() == HASHES["farm_numbers"]
    assert hash_bins(numbers, MOST, (1, 2**60)).numpy().tolist() == HASHES["sip_numbers"]

"""Damaged and hostile files: each gives one kind of error that names the file, never a crash, a
hang, a jump in memory, or a change of the model.

Every test counts its cases; `test_enough_cases` sums them up.
"""

import io
import json
import resource
import struct
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import layers, saving

h5py = pytest.importorskip("h5py", reason="Keras's files need sheer[h5]")
pytestmark = pytest.mark.filterwarnings("ignore:.* does not fit the optimizer")

COUNTS: dict[str, int] = {}
# A reader may take so much beyond the file, and so long.
MEMORY, SECONDS = 40 << 20, 20


def net() -> sheer.Sequential:
    model = sheer.Sequential([sheer.Input((3,)), layers.Dense(2, name="d")], name="m")
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A sound file of each kind."""
    folder = tmp_path_factory.mktemp("sound")
    model = net()
    for name in ("m.keras", "m.weights.h5", "m.safetensors"):
        (model.save_weights if "weights" in name else model.save)(folder / name)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def reads(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Writes a file and loads it: `""` where that works, else the error, of which it makes sure."""
    model = net()
    before = [w.copy() for w in model.get_weights()]
    COUNTS[request.node.name] = 0

    def reads(content: bytes, suffix: str) -> str:
        COUNTS[request.node.name] += 1
        path = tmp_path / f"x{'.weights' if suffix == '.h5' else ''}{suffix}"
        path.write_bytes(content)
        try:
            if suffix == ".h5":
                model.load_weights(path)
                model.set_weights(before)
            else:
                saving.load_model(path)
        except ValueError as error:
            assert str(path) in str(error), error
            assert all(map(np.array_equal, model.get_weights(), before))
            return str(error)
        return ""

    return reads


@contextmanager
def bounded(traced: bool = True) -> Iterator[None]:
    """Neither memory nor time may run away. Tracing Python's memory takes time: many small files do
    without."""
    start = time.process_time()
    if traced:
        tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        yield
        python = tracemalloc.get_traced_memory()[1]  # 0 where it is not traced
    finally:
        tracemalloc.stop()
    unit = 1 if sys.platform == "darwin" else 1024
    whole = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit
    assert max(python, whole) < MEMORY
    assert time.process_time() - start < SECONDS


SUFFIXES = [".keras", ".h5", ".safetensors"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cut_short(suffix: str, files: dict[str, bytes], reads: Callable[..., str]) -> None:
    whole = files[suffix]
    step = 1 if len(whole) < 4000 else 23
    with bounded(traced=False):
        for length in {*range(0, len(whole), step), *range(len(whole) - 100, len(whole))}:
            error = reads(whole[:length], suffix)
            # HDF5 files may end in bytes that nothing needs.
            assert error or (suffix == ".h5" and length > len(whole) - 2048), length


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_flipped_bits(suffix: str, files: dict[str, bytes], reads: Callable[..., str]) -> None:
    """In every byte; bytes of 0, of which HDF5 files are full, take part less often."""
    whole = files[suffix]
    rng = np.random.default_rng(7)
    places = [i for i, byte in enumerate(whole) if byte or i % 29 == 0]
    with bounded(traced=False):
        for place in places:
            bit = 1 << int(rng.integers(8))
            reads(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :], suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_overwritten_stretches(
    suffix: str, files: dict[str, bytes], reads: Callable[..., str]
) -> None:
    whole, rng = files[suffix], np.random.default_rng(8)
    with bounded(traced=False):
        for i in range(300):
            place, length = int(rng.integers(len(whole))), int(2 ** rng.integers(1, 7))
            junk = [b"\xff" * length, bytes(length), rng.bytes(length)][i % 3]
            reads((whole[:place] + junk + whole[place + length :])[: len(whole)], suffix)


# --- zip --------------------------------------------------------------------------------------


def parts_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        return {name: found.read(name) for name in found.namelist()}


def zipped(members: list[tuple[Any, bytes]], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_members(files: dict[str, bytes], reads: Callable[..., str]) -> None:
    whole = files[".keras"]
    sound = list(parts_of(whole).items())
    assert reads(zipped(sound), ".keras") == ""
    assert reads(zipped(sound, zipfile.ZIP_DEFLATED), ".keras") == ""
    stray = "assets/layers/lookup/vocabulary.txt"
    assert f"keeps {stray!r} beside the weights" in reads(zipped([*sound, (stray, b"a")]), ".keras")
    names = [
        "/etc/passwd", "../up.txt", "assets/../../up", "assets/./x", "assets\\..\\up", "C:\\x",
        "C:/x", "//host/x", "code.py", "config.json/x", "model.weights.npz", "CONFIG.JSON",
        "assets/../config.json", " ", ".", "..", "__init__.py",
    ]  # fmt: skip
    for name in names:
        assert "which is none of such a file" in reads(zipped([*sound, (name, b"x")]), ".keras")
    for twice in ("config.json", "model.weights.h5", "metadata.json"):
        error = reads(zipped([*sound, (twice, b"{}")]), ".keras")
        assert f"it has the member {twice!r} twice" in error
    for target in ("assets/x", "config.json", "model.weights.h5"):
        rest = [pair for pair in sound if pair[0] != target]
        error = reads(zipped([*rest, (link(target), b"/etc/passwd")]), ".keras")
        assert f"its member {target!r} is a link to another file" in error
    for missing in ("config.json", "model.weights.h5"):
        rest = [pair for pair in sound if pair[0] != missing]
        assert f"it has no {missing}" in reads(zipped(rest), ".keras")
    for content in (b"", b"PK", b"PK\x05\x06" + bytes(18), b"not a zip" * 100, whole + whole):
        assert reads(content, ".keras") or content == whole + whole


def test_bombs(files: dict[str, bytes], reads: Callable[..., str]) -> None:
    parts = parts_of(files[".keras"])
    with bounded():
        for name in ("config.json", "model.weights.h5", "metadata.json", "assets/x"):
            content = [*((k, v) for k, v in parts.items() if k != name), (name, bytes(10 << 20))]
            error = reads(zipped(content, zipfile.ZIP_DEFLATED), ".keras")
            assert f"its member {name!r} claims 10,485,760 bytes, and" in error
        many = [(f"assets/{i}", b"") for i in range(3000)]
        assert "beside the weights" in reads(zipped([*parts.items(), *many]), ".keras")
        # Sizes that the directory only claims.
        whole = files[".keras"]
        for size in (2**31, 2**32 - 2, 10**6):
            entry = whole.rindex(b"PK\x01\x02")
            forged = bytearray(whole)
            forged[entry + 20 : entry + 28] = struct.pack("<II", size, size)
            assert "claims" in reads(bytes(forged), ".keras")
            forged[entry + 20 : entry + 24] = whole[entry + 20 : entry + 24]
            assert "claims" in reads(bytes(forged), ".keras")
            # Offsets behind the file, and on another member: they overlap.
        for offset in (0, 1, 2**31, 2**32 - 2):
            forged = bytearray(whole)
            forged[entry + 42 : entry + 46] = struct.pack("<I", offset)
            assert "is not a sound .keras file" in reads(bytes(forged), ".keras")


# --- the description --------------------------------------------------------------------------


def dense(**changed: Any) -> dict[str, Any]:
    """A description of the model, with some of its Dense changed."""
    config = {"units": 2, "name": "d", **changed.pop("config", {})}
    layer = {"module": "keras.layers", "class_name": "Dense", "config": config, **changed}
    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, 3]}}
    return {
        "module": "keras", "class_name": "Sequential", "registered_name": None,
        "config": {"name": "m", "layers": [first, layer]},
    }  # fmt: skip


def deep(depth: int) -> dict[str, Any]:
    description = dense()
    for _ in range(depth):
        description = {"class_name": "Sequential", "config": {"layers": [description]}}
    return description


HOSTILE = [
    *[dense(config={"units": n}) for n in (10**6, 10**9, 2**31, 2**63, 10**30, -1, 0, True, "2")],
    *[dense(config={"units": v}) for v in (None, [], {}, 2.5, float("nan"), float("inf"))],
    *[dense(config={"name": v}) for v in (3, [1], {"class_name": "__lambda__", "config": "x"})],
    *[dense(module=m) for m in ("os", "builtins", "subprocess", "sheer.core.files", "", 3, [])],
    *[dense(class_name=c) for c in ("system", "eval", "__import__", "Model", None, 3, [], {})],
    *[dense(config=c) for c in ({"activation": "os.system"}, {"activation": 5}, {"new": 1})],
    dense(config={"activation": {"class_name": "function", "module": "os", "config": "system"}}),
    dense(config={"activation": {"class_name": "__lambda__", "config": {"value": ["4wAA", None]}}}),
    dense(config={"activation": {"class_name": "function", "config": "<lambda>"}}),
    dense(config={"kernel_initializer": {"class_name": "__lambda__", "config": {}}}),
    dense(config={"kernel_initializer": {"module": "os", "class_name": "system", "config": {}}}),
    dense(config={"kernel_initializer": {"class_name": "Zeros", "config": {"x": 1}}}),
    dense(config={"dtype": {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}}),
    dense(config={"dtype": {"class_name": "DTypePolicy", "config": 3}}),
    dense(config={"dtype": "object"}),
    dense(registered_name="evil>Dense", module="evil"),
    {"module": "os", "class_name": "system", "config": {"command": "true"}},
    {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://x"}},
    {"module": "builtins", "class_name": "function", "config": "exec"},
    {"class_name": "__lambda__", "config": {"value": "4wAA"}},
    {"class_name": "__typespec__", "config": []},
    {"class_name": "__numpy__", "config": {"value": [1], "dtype": "O"}},
    {"class_name": "__numpy__", "config": {"value": [], "dtype": "V8"}},
    deep(300),
    {"class_name": "Sequential", "config": {"layers": {"a": 1}}},
    {"class_name": "Sequential", "config": {"layers": [[]] * 3}},
    {"class_name": "Sequential", "config": {"layers": [], "build_input_shape": [None, 10**12]}},
    {"class_name": "Sequential", "config": None},
    {"class_name": ["Sequential"], "config": {}},
    {"class_name": "Sequential"}, [], 3, None, "text", [[]],
]  # fmt: skip
TEXTS = [
    b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 200_000, b"[" * 20_000 + b"]" * 20_000,
    b'{"class_name": ' * 5_000 + b"1" + b"}" * 5_000, b"1" * 10_000, b"NaN", b'"\\ud800"',
]  # fmt: skip


def test_descriptions(files: dict[str, bytes], reads: Callable[..., str], monkeypatch: Any) -> None:
    """None is loaded, and none opens a file, imports a module or allocates what it claims."""
    import builtins
    import socket

    parts = parts_of(files[".keras"])
    arrays, _ = saving.read(_written(files[".safetensors"]))
    texts = [*TEXTS, *(json.dumps(description).encode() for description in HOSTILE)]
    sound = json.dumps(dense()).encode()

    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a file made sheer do this")

    reads(zipped([*{**parts, "config.json": sound}.items()]), ".keras")  # imports what it needs
    monkeypatch.setattr(socket, "socket", never)
    monkeypatch.setattr(builtins, "eval", never)
    monkeypatch.setattr(builtins, "exec", never)
    taken = []
    with bounded():
        assert reads(zipped([*{**parts, "config.json": sound}.items()]), ".keras") == ""
        for text in texts:
            error = reads(zipped([*{**parts, "config.json": text}.items()]), ".keras")
            taken += [] if "the description of" in error or "does not fit" in error else [text]
            path = _written(b"")
            saving.write(path, arrays, {"sheer.model": text.decode("latin-1")})
            taken += [] if reads(path.read_bytes(), ".safetensors") else [text]
    assert not taken


def test_few_words_for_many_calls(files: dict[str, bytes], reads: Callable[..., str]) -> None:
    """Steps that are a call each, and models of models that are called twice each."""
    norm = {"class_name": "BatchNormalization", "config": {"name": "d"}}
    steps = dense(class_name="TimeDistributed", config={"layer": norm})
    del steps["config"]["layers"][1]["config"]["units"]
    steps["config"]["layers"][0]["config"]["batch_shape"] = [None, 10**12, 3]
    x = sheer.Input((3,))
    model = sheer.Model(x, layers.Identity()(x))
    for _ in range(3):
        x = sheer.Input((3,))
        model = sheer.Model(x, model(model(x)))
    twice = json.loads(model.to_json())
    for _ in range(20):
        copy = json.loads(json.dumps(twice))
        inner = next(v for v in copy["config"]["layers"] if v["class_name"] == "Functional")
        inner["config"] = {**twice["config"], "name": inner["config"]["name"]}
        twice = copy
    parts = parts_of(files[".keras"])
    for description in (steps, twice):
        with bounded(traced=False):
            changed = {**parts, "config.json": json.dumps(description).encode()}
            error = reads(zipped([*changed.items()]), ".keras")
        assert "would be called too often for so small a file" in error


def test_compile_configs(files: dict[str, bytes], reads: Callable[..., str]) -> None:
    parts = parts_of(files[".keras"])
    for compiled in (
        {"optimizer": {"module": "os", "class_name": "system", "config": {}}},
        {"optimizer": "os.system", "loss": "mse"},
        {"loss": {"module": "builtins", "class_name": "function", "config": "eval"}},
        *[
            {"loss": "mse", "metrics": [{"class_name": "AUC", "config": {"num_thresholds": n}}]}
            for n in (-1, 10**9, 10**18)
        ],
        {"loss": "mse", "metrics": [{"class_name": "MeanIoU", "config": {"num_classes": 10**9}}]},
        {"nothing": 1},
        [1],
        "adam",
    ):
        text = json.dumps({**dense(), "compile_config": compiled}).encode()
        with bounded():
            assert reads(zipped([*{**parts, "config.json": text}.items()]), ".keras"), compiled


def _written(content: bytes) -> Path:
    import tempfile

    path = Path(tempfile.mkdtemp()) / "x.safetensors"
    path.write_bytes(content)
    return path


# --- HDF5 -------------------------------------------------------------------------------------

KERNEL, BIAS = "layers/dense/vars/0", "layers/dense/vars/1"


def hdf5(make: Callable[[Any], None]) -> bytes:
    """A file with the weights of the model, and then changed."""
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5[KERNEL], h5[BIAS] = np.ones((3, 2), "float32"), np.ones(2, "float32")
        make(h5)
    return file.getvalue()


def replaced(make: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Makes another kernel."""

    def change(h5: Any) -> None:
        del h5[KERNEL]
        make(h5)

    return change


def virtual(h5: Any) -> None:
    layout = h5py.VirtualLayout((3, 2), "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3, 2))
    h5.create_virtual_dataset(KERNEL, layout)


def committed(h5: Any) -> None:
    h5[KERNEL] = np.dtype("float32")


def circle(h5: Any) -> None:
    h5["layers/dense/again"] = h5["layers"]


def twice(h5: Any) -> None:
    h5["layers/dense/vars/2"] = h5[KERNEL]


def deeper(h5: Any) -> None:
    h5["/".join("g" * 200)] = 1.0


def link_to(value: Any) -> Callable[[Any], None]:
    def make(h5: Any) -> None:
        h5[KERNEL] = value

    return replaced(make)


def dataset(*args: Any, **kwargs: Any) -> Callable[[Any], None]:
    return replaced(lambda h5: h5.create_dataset(KERNEL, *args, **kwargs))


TERA = (10**6, 10**6)
CASES: dict[str, tuple[Callable[[Any], None], str]] = {
    "external link": (link_to(h5py.ExternalLink("/etc/passwd", "/x")), "a link to another place"),
    "soft link": (link_to(h5py.SoftLink("/" + BIAS)), "a link to another place"),
    "dangling link": (link_to(h5py.SoftLink("/no")), "a link to another place"),
    "external storage": (
        dataset((3, 2), "float32", external=[("/etc/passwd", 0, 24)]),
        "keeps its numbers in another file",
    ),
    "virtual": (replaced(virtual), "keeps its numbers in another file"),
    "vlen": (dataset((3,), h5py.vlen_dtype("float32")), "only numbers are read"),
    "strings": (dataset((3,), h5py.string_dtype()), "only numbers are read"),
    "fixed strings": (dataset((3,), "S8"), "only numbers are read"),
    "references": (dataset((3,), h5py.ref_dtype), "only numbers are read"),
    "compound": (dataset((3,), [("a", "f4")]), "only numbers are read"),
    "opaque": (dataset((3,), "V8"), "only numbers are read"),
    "complex": (dataset((3, 2), "complex64"), "only numbers are read"),
    "huge, compressed": (
        dataset(TERA, "float32", compression="gzip", chunks=(1000, 1000)),
        "is stored in chunks",
    ),
    "compressed": (dataset(data=np.ones((3, 2)), compression="gzip"), "is stored in chunks"),
    "chunks": (dataset(TERA, "float32", chunks=(10, 10)), "is stored in chunks"),
    "resizable": (dataset((3, 2), "float32", maxshape=(None, 2)), "is stored in chunks"),
    "huge, never written": (dataset(TERA, "float32"), "needs 4,000,000,000,000 bytes"),
    "near overflow": (dataset((2**31, 2**29), "float32"), "needs 4,611,686,018,427,387,904 bytes"),
    "never written": (dataset((3, 2), "float32"), "needs 24 bytes, and the file has 0"),
    "no shape": (dataset(data=h5py.Empty("f4")), ""),
    "a type": (replaced(committed), "is neither a group nor an array"),
    "a circle": (circle, "has another name too"),
    "twice": (twice, "has another name too"),
    "deep": (deeper, "groups lie more than 64 deep"),
    "another shape": (dataset(data=np.ones((2, 3), "float32")), "model: (3, 2), file: (2, 3)"),
    "whole numbers": (dataset(data=np.ones((3, 2), "int32")), "model: float32, file: int32"),
    "one more": (lambda h5: h5.update({"layers/dense/vars/2": 1.0}), "model: none, file: ()"),
    "one less": (lambda h5: h5.__delitem__(BIAS), "model: (2,), file: none"),
    "a group": (replaced(lambda h5: h5.create_group(KERNEL)), "model: (3, 2), file: none"),
}


@pytest.mark.parametrize("case", CASES)
def test_hdf5(case: str, files: dict[str, bytes], reads: Callable[..., str]) -> None:
    make, reason = CASES[case]
    content = hdf5(make)
    with bounded():
        error = reads(content, ".h5")
        assert reason in error and error
        parts = {**parts_of(files[".keras"]), "model.weights.h5": content}
        assert reads(zipped([*parts.items()]), ".keras")


def test_a_sound_hdf5(reads: Callable[..., str]) -> None:
    assert reads(hdf5(lambda h5: None), ".h5") == ""


# --- safetensors ------------------------------------------------------------------------------


def tensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(shape: Any, offsets: Any, dtype: Any = "F32") -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def test_safetensors_headers(reads: Callable[..., str]) -> None:
    four = bytes(4)
    hostile = [
        *[tensors(b"{}", b"", n) for n in (3, 2**31, 2**63, 2**64 - 1)],
        *[tensors(entry(s, [0, 4]), four) for s in ([2], [-1], [2**62, 4], [2**64], [1.0], ["1"])],
        *[tensors(entry(s, [0, 0])) for s in ([0, 2**70], [10**30, 0], [1], None, 3, {})],
        *[tensors(entry([1], o), four) for o in ([4, 0], [-4, 0], [0, 8], [1, 5], [2**63] * 2)],
        *[tensors(entry([1], o), four) for o in ([0], [0, 4, 8], "04", None, [0.0, 4.0])],
        *[tensors(entry([1], [0, 4], d), four) for d in ("O", "f32", "BF16", None, 3, [], "F128")],
        tensors(entry([1] * 100, [0, 4]), four),
        tensors(entry([1], [0, 4]), four + b"more"),
        tensors({**entry([1], [0, 4]), "b": entry([1], [0, 4])["a"]}, four),
        tensors({**entry([1], [0, 4]), "b": entry([1], [8, 12])["a"]}, bytes(12)),
        tensors(b'{"a": 1, "a": 2}'),
        tensors(b"[" * 100_000), tensors(b'{"a":' * 100_000), tensors(b"\xff"), tensors(b"[]"),
        tensors({"__metadata__": {"a": 1}}), tensors({"__metadata__": []}), tensors(b'{"a": NaN}'),
    ]  # fmt: skip
    with bounded():
        for content in hostile:
            assert "is not a sound safetensors file" in reads(content, ".safetensors"), content[:90]


# --- vocabularies -----------------------------------------------------------------------------

TEXT, PLACE = b"-1\n7\n5", "assets/layers/integer_lookup/vocabulary.txt"


def looked_up(text: bytes = TEXT, size: Any = 3, **changed: Any) -> list[tuple[Any, bytes]]:
    """The members of a file whose lookup learned a vocabulary, as Keras writes them."""
    config = {"name": "a", "vocabulary": None, "vocabulary_size": size, **changed}
    lookup = {"module": "keras.layers", "class_name": "IntegerLookup", "config": config}
    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, 2], "dtype": "int64"}}
    description = {**dense(), "config": {"name": "m", "layers": [first, lookup]}}
    file = io.BytesIO()
    h5py.File(file, "w").close()
    members = {"config.json": json.dumps(description).encode(), "model.weights.h5": file.getvalue()}
    return [*members.items(), (PLACE, text)]


def test_vocabularies(reads: Callable[..., str]) -> None:
    assert reads(zipped(looked_up()), ".keras") == ""
    assert reads(zipped(looked_up(output_mode="count")), ".keras") == ""
    assert reads(zipped(looked_up(b"-1\r\n7\r\n5")), ".keras") == ""
    texts = {
        b"": "it has 1 tokens, and the layer 3",
        b"-1\n7": "it has 2 tokens, and the layer 3",
        b"-1\n7\n5\n4": "it has 4 tokens, and the layer 3",
        b"-1\n" + b"7" * 10**6: "it has 2 tokens, and the layer 3",
        b"-1\n7\n\xff\xfe": "can't decode byte",
        b"-1\n7\n\x00": "invalid literal for int()",
        b"-1\n7\n5 4": "invalid literal for int()",
        b"-1\n7\nx": "invalid literal for int()",
        b"-1\n7\n": "invalid literal for int()",
        b"-1\n7\n5\n": "it has 4 tokens",
        b"-1\n\n5": "invalid literal for int()",
        b"-1\n7\n" + b"9" * 30: "too large",
        b"-1\n7\n" + b"9" * 10_000: "Exceeds the limit",
        b"-1\n7\n7": "stand twice in the vocabulary",
        b"7\n5\n4": "does not begin with the special tokens [-1]",
        b"[UNK]\n7\n5": "does not begin with the special tokens [-1]",
        bytes(range(256)): "",
        b"\n" * 10**6 + b"1": "it has 1,000,001 tokens",
    }
    with bounded():
        for text, reason in texts.items():
            error = reads(zipped(looked_up(text)), ".keras")
            assert f"{PLACE!r} in" in error and reason in error, text[:20]
        for size in (4, 10**9, 2**63, 10**30, -1, 0, 1, True, "3", 3.0, [], float("nan")):
            for mode in ("int", "one_hot", "tf_idf"):
                members = looked_up(size=size, output_mode=mode)
                assert reads(zipped(members), ".keras"), (size, mode)
        for changed in (
            {"vocabulary": "/etc/passwd"}, {"vocabulary": PLACE}, {"max_tokens": 2},
            {"vocabulary": [7], "output_mode": "count"}, {"output_mode": "tf_idf"},
            {"output_mode": "tf_idf", "pad_to_max_tokens": True, "max_tokens": 10**10},
            {"output_mode": "tf_idf", "pad_to_max_tokens": True, "max_tokens": 10**10,
             "vocabulary": [7, 5], "idf_weights": [1, 2]},
        ):  # fmt: skip
            assert reads(zipped(looked_up(**changed)), ".keras"), changed


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_vocabularies_of_other_places(reads: Callable[..., str]) -> None:
    *sound, (_, text) = looked_up()
    assert "has no vocabulary for the layers ['a']" in reads(zipped(sound), ".keras")
    names = [
        "assets/vocabulary.txt", "assets/layers/vocabulary.txt", "assets/a/vocabulary.txt",
        "assets/layers/a/vocabulary.txt", "assets/layers/integer_lookup/other.txt",
        "assets/layers/integer_lookup_1/vocabulary.txt", "assets//etc/passwd",
        "assets/layers/input_layer/vocabulary.txt", "assets/optimizer/vocabulary.txt",
        "assets/layers//integer_lookup/vocabulary.txt", PLACE.upper(), PLACE + "/x",
        "assets/layers/integer_lookup/../integer_lookup/vocabulary.txt", "/" + PLACE, "../" + PLACE,
        "C:/" + PLACE, PLACE.replace("/", "\\"),
    ]  # fmt: skip
    for name in names:
        for members in ([*sound, (name, text)], [*looked_up(), (name, text)]):
            error = reads(zipped(members), ".keras")
            assert "none of such a file" in error or "has no layer with a vocabulary" in error, name
    error = reads(zipped([*looked_up(), (PLACE, text)]), ".keras")
    assert f"it has the member {PLACE!r} twice" in error
    error = reads(zipped([*sound, (link(PLACE), b"/etc/passwd")]), ".keras")
    assert f"its member {PLACE!r} is a link to another file" in error
    # Directories are no members to read.
    assert reads(zipped([("assets/", b""), ("assets/layers/", b""), *looked_up()]), ".keras") == ""


def test_vocabularies_that_grow(reads: Callable[..., str]) -> None:
    """Compressed, 20 times as long: no text of words is."""
    with bounded():
        for text in (b"-1\n" + b"7\n" * 10**6, bytes(10**6), b"\n" * 10**6):
            members = looked_up(text, size=10**6 + 1)
            assert "claims" in reads(zipped(members, zipfile.ZIP_DEFLATED), ".keras")
        # Many small ones, and none of them is a layer's.
        many = [(f"assets/layers/{i}/vocabulary.txt", b"-1\n7") for i in range(5_000)]
        assert "has no layer with" in reads(zipped([*looked_up(), *many]), ".keras")


def test_flipped_bits_of_vocabularies(reads: Callable[..., str]) -> None:
    rng = np.random.default_rng(9)
    with bounded(traced=False):
        for place in range(len(TEXT)):
            for bit in range(8):
                text = bytearray(TEXT)
                text[place] ^= 1 << bit
                reads(zipped(looked_up(bytes(text))), ".keras")
        for _ in range(100):
            reads(zipped(looked_up(rng.bytes(int(rng.integers(40))))), ".keras")


def test_enough_cases(capsys: Any) -> None:
    """Runs last: how many files the tests above tried."""
    by_kind = {
        kind: sum(n for name, n in COUNTS.items() if kind in name)
        for kind in ("cut_short", "flipped_bits", "overwritten", "")
    }
    with capsys.disabled():
        print(f"\n{by_kind.pop('')} damaged and hostile files: {by_kind}")
    if len(COUNTS) > 40:  # not where some of the tests were chosen
        assert sum(COUNTS.values()) > 8000

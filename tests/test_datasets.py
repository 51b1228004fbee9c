"""The data sets: where they are looked for, what is checked, what an error says, no network."""

import ast
import dataclasses
import doctest
import gzip
import hashlib
import io
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import sheer.datasets
from sheer.datasets import _files, digits, fashion_mnist, mnist

REAL = os.environ.get("SHEER_DATASETS", "")
DIGITS_SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"

Arrays = dict[str, np.ndarray[Any, Any]]


def arrays(seed: int = 0, train: int = 6, test: int = 3) -> Arrays:
    """A data set in MNIST's form, of a few rows; `seed` tells two of them apart."""
    rng = np.random.default_rng(seed)
    sizes = {"train": train, "test": test}
    made = {f"x_{k}": rng.integers(0, 256, (n, 28, 28), np.uint8) for k, n in sizes.items()}
    return made | {f"y_{k}": rng.integers(0, 10, n, np.uint8) for k, n in sizes.items()}


def write_npz(path: Path, content: Arrays) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **content)  # type: ignore[arg-type]
    return path


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    """The IDX format, from its description."""
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()


def write_idx(folder: Path, content: Arrays, zipped: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for key, name in _files.IDX.items():
        data = idx_bytes(content[key])
        (folder / f"{name}.gz").write_bytes(gzip.compress(data)) if zipped else (
            folder / name
        ).write_bytes(data)
    return folder


def same(splits: _files.Splits, content: Arrays) -> bool:
    (x_train, y_train), (x_test, y_test) = splits
    loaded = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return all(
        loaded[key].dtype == np.uint8 and np.array_equal(loaded[key], content[key])
        for key in _files.IDX
    )


def offline(*_args: Any, **_kwargs: Any) -> Any:
    raise urllib.error.URLError("no network in this test")


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set on this machine, and no network."""
    monkeypatch.delenv("SHEER_DATASETS", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    source = dataclasses.replace(fashion_mnist.SOURCE, package_folder=str(tmp_path / "debian"))
    monkeypatch.setattr(fashion_mnist, "SOURCE", source)


# Finding


def test_an_explicit_file(tmp_path: Path) -> None:
    content = arrays()
    path = write_npz(tmp_path / "any name.npz", content)
    assert same(mnist.load_data(path), content)
    assert same(mnist.load_data(str(path)), content)
    assert same(fashion_mnist.load_data(path), content)


@pytest.mark.parametrize("zipped", [True, False])
def test_an_explicit_folder(tmp_path: Path, zipped: bool) -> None:
    content = arrays()
    folder = write_idx(tmp_path / "idx", content, zipped)
    assert same(mnist.load_data(folder), content)
    assert same(fashion_mnist.load_data(folder), content)
    assert same(mnist.load_data(write_npz(tmp_path / "npz" / "mnist.npz", content).parent), content)


def test_the_arrays_can_be_written_to(tmp_path: Path) -> None:
    for path in (write_npz(tmp_path / "a.npz", arrays()), write_idx(tmp_path / "idx", arrays())):
        for part in mnist.load_data(path):
            for array in part:
                array[0] = 1


@pytest.mark.parametrize(
    ("module", "place"),
    [
        (mnist, "mnist.npz"),
        (mnist, "mnist/mnist.npz"),
        (fashion_mnist, "fashion-mnist.npz"),
        (fashion_mnist, "fashion_mnist.npz"),
    ],
)
def test_sheer_datasets_with_an_npz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, place: str
) -> None:
    write_npz(tmp_path / "data" / place, arrays())
    monkeypatch.setenv("SHEER_DATASETS", str(tmp_path / "data"))
    assert same(module.load_data(), arrays())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("module", "place"),
    [
        (mnist, ""),
        (mnist, "mnist"),
        (fashion_mnist, ""),
        (fashion_mnist, "fashion-mnist"),
        (fashion_mnist, "fashion_mnist"),
    ],
)
def test_sheer_datasets_with_idx_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, place: str, zipped: bool
) -> None:
    write_idx(tmp_path / "data" / place, arrays(), zipped)
    monkeypatch.setenv("SHEER_DATASETS", str(tmp_path / "data"))
    assert same(module.load_data(), arrays())


def test_keras_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_npz(tmp_path / "keras" / "datasets" / "mnist.npz", arrays(1))
    write_idx(tmp_path / "keras" / "datasets" / "fashion-mnist", arrays(2))
    write_npz(tmp_path / "keras" / "datasets" / "other.npz", arrays(3))
    assert same(mnist.load_data(), arrays(1))
    assert same(fashion_mnist.load_data(), arrays(2))
    assert same(mnist.load_data("other.npz"), arrays(3))  # a bare name, as in Keras

    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "keras").rename(tmp_path / ".keras")
    assert same(mnist.load_data(), arrays(1))


def test_debians_package(tmp_path: Path) -> None:
    write_idx(tmp_path / "debian", arrays())
    assert same(fashion_mnist.load_data(), arrays())


def test_the_order_of_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path / "debian", arrays(4))
    assert same(fashion_mnist.load_data(), arrays(4))
    write_idx(tmp_path / "keras" / "datasets" / "fashion-mnist", arrays(3))
    assert same(fashion_mnist.load_data(), arrays(3))
    monkeypatch.setenv("SHEER_DATASETS", str(tmp_path / "data"))
    write_idx(tmp_path / "data", arrays(2))
    assert same(fashion_mnist.load_data(), arrays(2))
    assert same(fashion_mnist.load_data(write_npz(tmp_path / "a.npz", arrays(1))), arrays(1))


def test_what_sheer_datasets_lacks_is_looked_for_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHEER_DATASETS", str(tmp_path))
    write_npz(tmp_path / "keras" / "datasets" / "mnist.npz", arrays())
    assert same(mnist.load_data(), arrays())


def test_sheer_datasets_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHEER_DATASETS", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"SHEER_DATASETS is .*nowhere.* unset it"):
        mnist.load_data()


def test_an_explicit_path_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mnist\.load_data: path is 'nowhere\.npz'"):
        mnist.load_data("nowhere.npz")
    with pytest.raises(FileNotFoundError, match=r"holds neither fashion-mnist\.npz nor fashion_mn"):
        fashion_mnist.load_data(tmp_path)


def test_some_of_the_four_files(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "idx", arrays())
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"3 of the 4 .* Missing: t10k-labels-idx1-ubyte "):
        mnist.load_data(folder)


# Checking


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_test": np.zeros((3, 784), np.uint8)}, r"x_test has the shape \(3, 784\), expected 3"),
        ({"y_train": np.zeros((6, 1), np.uint8)}, r"y_train has the shape \(6, 1\), expected 1"),
        ({"y_test": np.zeros(0, np.uint8)}, r"y_test has the shape \(0,\), which holds nothing"),
        ({"x_train": np.zeros((6, 28, 28))}, "x_train holds float64, expected whole numbers"),
        ({"y_train": np.full(6, 10)}, "y_train holds 10 to 10, expected 0 to 9"),
        ({"y_train": np.full(6, -1)}, "y_train holds -1 to -1, expected 0 to 9"),
        ({"x_train": np.full((6, 28, 28), 256)}, "x_train holds 256 to 256, expected 0 to 255"),
        ({"y_train": np.zeros(5, np.uint8)}, "x_train has 6 images, y_train 5 labels"),
        ({"x_test": np.zeros((3, 8, 8), np.uint8)}, r"images of \(28, 28\), x_test of \(8, 8\)"),
        ({"y_train": np.array(["a"] * 6)}, "y_train holds <U1, expected whole numbers"),
    ],
)
def test_what_the_arrays_must_be(tmp_path: Path, change: Arrays, message: str) -> None:
    path = write_npz(tmp_path / "bad.npz", arrays() | change)
    with pytest.raises(ValueError, match=message) as caught:
        mnist.load_data(path)
    assert str(caught.value).startswith(f"{path} does not hold MNIST: ")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    change = {"x_test": np.zeros((3, 784), np.uint8), "y_train": np.full(6, 10, np.uint8)}
    with pytest.raises(ValueError, match=r"y_train holds 10 .*x_test has|x_test has.*y_train hold"):
        mnist.load_data(write_npz(tmp_path / "bad.npz", arrays() | change))


def test_other_whole_numbers_become_uint8(tmp_path: Path) -> None:
    content = arrays()
    wide = {key: value.astype(np.int64) for key, value in content.items()}
    assert same(mnist.load_data(write_npz(tmp_path / "wide.npz", wide)), content)


def test_mnist_is_not_taken_for_fashion_mnist(tmp_path: Path) -> None:
    for module, other in ((mnist, "Fashion-MNIST"), (fashion_mnist, "MNIST")):
        content = arrays(train=20)
        content["y_train"][:10] = np.frombuffer(_files.FIRST_LABELS[other], np.uint8)
        path = write_npz(tmp_path / "labels.npz", content)
        with pytest.raises(ValueError, match=f"its labels are those of {other}; keep that in"):
            module.load_data(path)


def test_missing_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "less.npz", x_train=arrays()["x_train"], other=np.zeros(1))
    with pytest.raises(
        ValueError, match=r"less\.npz cannot be read: it has no y_train, x_test, y_test; it has x_t"
    ):
        mnist.load_data(tmp_path / "less.npz")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def scrambled(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(200) + data[middle + 200 :]


@pytest.mark.parametrize("damage", [cut, scrambled, lambda _: b"", lambda _: b"<html>no</html>"])
def test_a_damaged_npz(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write_npz(tmp_path / "mnist.npz", arrays())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"mnist\.npz cannot be read: .+\nIs it cut short"):
        mnist.load_data(path)


@pytest.mark.parametrize(
    ("zipped", "damage"),
    [(True, scrambled)]  # unzipped, nothing tells other pixels from damaged ones
    + [(z, d) for z in (True, False) for d in (cut, lambda _: b"", lambda _: b"<html>no</html>")],
)
def test_a_damaged_idx_file(tmp_path: Path, damage: Callable[[bytes], bytes], zipped: bool) -> None:
    folder = write_idx(tmp_path / "idx", arrays(), zipped)
    path = folder / ("train-images-idx3-ubyte" + (".gz" if zipped else ""))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"train-images\S+ cannot be read: .+\nIs it cut short"):
        mnist.load_data(folder)


def test_idx_headers(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(idx_bytes(np.zeros((2, 3), np.uint8)))
    with pytest.raises(ValueError, match="begins with the bytes 00 00 08 02; an IDX file of 3 axe"):
        _files.read_idx(path, 3)
    path.write_bytes(idx_bytes(np.zeros((2, 3), np.uint8)) + b"more")
    with pytest.raises(ValueError, match=r"it holds 22 bytes, and shape \(2, 3\) needs 18"):
        _files.read_idx(path, 2)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    content = arrays() | {"y_test": np.array([1, None, 2], object)}
    path = write_npz(tmp_path / "pickled.npz", content)
    with pytest.raises(ValueError, match=r"pickled\.npz cannot be read: .*allow_pickle=False"):
        mnist.load_data(path)


# Downloading


class Server:
    """Stands in for `urlopen`: serves bytes by the file's name, and notes what was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def __call__(self, url: str, timeout: float) -> Any:
        self.asked.append(url)
        answer = io.BytesIO(self.files[url.rsplit("/", 1)[1]])
        answer.headers = {"Content-Length": str(len(answer.getvalue()))}  # type: ignore[attr-defined]
        return answer


def serve(monkeypatch: pytest.MonkeyPatch, module: ModuleType, files: dict[str, bytes]) -> Server:
    """Serve these files as the data set's own."""
    server = Server(files)
    monkeypatch.setattr(urllib.request, "urlopen", server)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(module, "SOURCE", dataclasses.replace(module.SOURCE, downloads=sums))
    return server


def files_below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_download_of_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_npz(tmp_path / "served.npz", arrays()).read_bytes()
    server = serve(monkeypatch, mnist, {"mnist.npz": data})
    assert same(mnist.load_data(), arrays())
    assert same(mnist.load_data(), arrays())
    origin = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
    assert server.asked == [origin + "mnist.npz"]  # once
    assert files_below(tmp_path / "keras") == [str(Path("datasets", "mnist.npz"))]


def test_download_of_fashion_mnist_fetches_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = write_idx(tmp_path / "served", arrays())
    data = {path.name: path.read_bytes() for path in served.iterdir()}
    server = serve(monkeypatch, fashion_mnist, data)
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    cache.mkdir(parents=True)
    (cache / "t10k-labels-idx1-ubyte.gz").write_bytes(data["t10k-labels-idx1-ubyte.gz"])
    assert same(fashion_mnist.load_data(), arrays())
    assert len(server.asked) == 3
    assert files_below(cache) == sorted(f"{name}.gz" for name in _files.IDX.values())


def test_another_sum_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", Server({"mnist.npz": b"not MNIST"}))
    with pytest.raises(ConnectionError, match=r"what came \(9 bytes\) has the SHA-256 .* 731c5ac6"):
        mnist.load_data()
    assert list((tmp_path / "keras" / "datasets").iterdir()) == []


def test_a_connection_that_breaks_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(io.BytesIO):
        headers = {"Content-Length": "1000000"}

        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(size)
            if not piece:
                raise TimeoutError("timed out")
            return piece

    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: Broken(bytes(100_000)))
    with pytest.raises(ConnectionError, match=r"failed: timed out\.\nWays out:"):
        mnist.load_data()
    assert list((tmp_path / "keras" / "datasets").iterdir()) == []


def test_offline_the_error_names_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError) as caught:
        fashion_mnist.load_data()
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    url = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/train-labels-idx1-ubyte.gz"
    assert str(caught.value) == (
        "fashion_mnist.load_data: Fashion-MNIST is not on this machine, and the download of "
        f"{url} failed: <urlopen error no network in this test>.\n"
        "Ways out:\n"
        "- give its place: fashion_mnist.load_data(path=...), an .npz file or a folder;\n"
        "- set SHEER_DATASETS to a folder that holds fashion-mnist.npz or "
        "train-images-idx3-ubyte.gz and its three companions;\n"
        "- put what Keras keeps (train-labels-idx1-ubyte.gz, train-images-idx3-ubyte.gz, "
        f"t10k-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz) into {cache};\n"
        "- on Debian and Ubuntu: apt install dataset-fashion-mnist;\n"
        "- or take sheer.datasets.digits, which needs no download."
    )
    with pytest.raises(ConnectionError) as caught:
        mnist.load_data()
    assert "apt install" not in str(caught.value)


def test_a_cache_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"cannot write .*\nSet KERAS_HOME to a folder"):
        mnist.load_data()


def test_a_progress_bar_in_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_npz(tmp_path / "served.npz", arrays()).read_bytes()
    serve(monkeypatch, mnist, {"mnist.npz": data})
    mnist.load_data()
    assert capsys.readouterr() == ("", "")

    (tmp_path / "keras" / "datasets" / "mnist.npz").unlink()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    mnist.load_data()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("\rmnist.npz  [####################]    0.0 of 0.0 MB")
    assert err.endswith("\n")


def test_progress() -> None:
    half = "a  [##########          ]    5.0 of 10.0 MB"
    assert _files._progress("a", 5_000_000, 10_000_000) == half
    assert _files._progress("a", 5_000_000, 0) == "a  5.0 MB"


# Digits


def test_digits_are_the_known_ones() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1437, 8, 8), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 8, 8), (360,))
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert (x_train.min(), x_train.max(), x_test.min(), x_test.max()) == (0, 16, 0, 16)

    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    lines = np.concatenate([x.reshape(-1, 64), y[:, None]], axis=1).tolist()
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    assert hashlib.sha256(text.encode()).hexdigest() == DIGITS_SHA256


def test_digits_by_the_order_of_the_file_has_every_class_in_its_share() -> None:
    (_, y_train), (_, y_test) = digits.load_data()
    assert np.bincount(y_train).tolist() == [143, 146, 142, 146, 144, 145, 144, 143, 141, 143]
    assert np.bincount(y_test).tolist() == [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]


def test_digits_drawn_by_seed() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data(seed=3)
    assert (x_train.shape, x_test.shape) == ((1437, 8, 8), (360, 8, 8))
    whole = np.concatenate([y_train, y_test])
    share = np.bincount(whole) * 360 / 1797
    assert (np.abs(np.bincount(y_test) - share) < 1).all()

    rows = np.concatenate([x_train, x_test]).reshape(-1, 64)
    by_order = np.concatenate([part[0] for part in digits.load_data()]).reshape(-1, 64)
    assert sorted(map(bytes, rows)) == sorted(map(bytes, by_order))  # every digit once

    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    again, other = digits.load_data(seed=3), digits.load_data(seed=4)
    assert np.array_equal(again[0][0], x_train)
    assert not np.array_equal(other[0][0], x_train)
    assert np.random.random() == expected  # NumPy's global generator was left alone


def nearest_neighbour(splits: _files.Splits) -> float:
    (x_train, y_train), (x_test, y_test) = splits
    a, b = (x.reshape(len(x), -1).astype(float) for x in (x_train, x_test))
    distance = (b**2).sum(1)[:, None] - 2 * b @ a.T + (a**2).sum(1)
    return float((y_train[distance.argmin(1)] == y_test).mean())


def test_the_docstrings_figures() -> None:
    assert round(nearest_neighbour(digits.load_data()), 3) == 0.956
    at_random = [nearest_neighbour(digits.load_data(seed=seed)) for seed in range(5)]
    assert 0.98 < np.mean(at_random) < 0.99


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.5, float("nan"), 0.9999])
def test_digits_test_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"test_fraction must be above 0 and below 1.*Got"):
        digits.load_data(test_fraction=fraction)


def test_digits_can_be_changed_by_their_user() -> None:
    (x_train, _), _ = digits.load_data()
    x_train[:] = 0
    assert digits.load_data()[0][0].any()


# All


@pytest.mark.parametrize("module", [sheer.datasets, digits, fashion_mnist, mnist])
def test_the_docstrings_examples(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("module", [sheer.datasets, _files, digits, fashion_mnist, mnist])
def test_importing_is_cheap(module: ModuleType) -> None:
    """What only a download or a zipped file needs is imported in the function that needs it."""
    imported = set()
    for statement in ast.parse(Path(str(module.__file__)).read_text()).body:
        if isinstance(statement, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            imported.add(str(statement.module).split(".")[0])
    assert imported <= {
        "collections",
        "contextlib",
        "dataclasses",
        "math",
        "numpy",
        "os",
        "pathlib",
        "sheer",
        "sys",
    }


@pytest.mark.skipif(
    not (Path(REAL) / "mnist.npz").is_file(), reason="SHEER_DATASETS has no mnist.npz"
)
def test_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHEER_DATASETS", REAL)
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, y_train.shape) == ((60000, 28, 28), (60000,))
    assert (x_test.shape, y_test.shape) == ((10000, 28, 28), (10000,))
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert y_train[:10].tobytes() == _files.FIRST_LABELS["MNIST"]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]

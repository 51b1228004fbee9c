"""The helpers of core: dtypes, look-ups, checks, names, settings, structures, files, places."""

import errno
import os
import stat
from collections import namedtuple

import numpy as np
import pytest

import sheer
from sheer.core import config, naming, random, tree
from sheer.core.checks import boolean, integer, nothing, number, numbers, one_of
from sheer.core.dtypes import DTYPES, NAMES, is_float, standardize_dtype
from sheer.core.errors import did_you_mean, user_line
from sheer.core.files import replacing, write_text
from sheer.core.registry import Configurable, Registry, serialize, snake_case
from sheer.core.scope import Place, current_place, part, section
from sheer.core.text import printable

# --- dtypes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("float32", "float32"),
        (np.float64, "float64"),
        (np.dtype("int16"), "int16"),
        (np.dtype(">f4"), "float32"),
        (bool, "bool"),
        (np.bool_, "bool"),
        ("?", "bool"),
        (int, "int32"),
        (float, "float32"),
    ],
)
def test_standardize_dtype(given, name):
    assert standardize_dtype(given) == name


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("float23", "Unknown dtype 'float23'. Did you mean 'float32'?"),
        (np.float16, "Unknown dtype 'float16'. Did you mean 'float64'?"),
        (
            complex,
            "Unknown dtype 'complex128'. Known: bool, float32, float64, int16, int32, int64, int8, "
            "uint16, uint32, uint64, uint8.",
        ),
    ],
)
def test_unknown_dtypes(given, text):
    with pytest.raises(ValueError) as caught:
        standardize_dtype(given)
    assert str(caught.value) == text


def test_floats():
    assert [d for d in DTYPES if is_float(d)] == ["float32", "float64"]
    assert sorted(NAMES.values()) == sorted(DTYPES)


# --- look-ups ---------------------------------------------------------------------------------


@pytest.fixture
def shapes():
    registry = Registry("shape", lacking="Torus")

    @registry.add("round")
    class Circle(Configurable):
        arguments = {"radius": number(0, ends="()")}

        def __init__(self, radius=1, name="circle"):
            self.radius = radius
            self.name = name
            self.check_arguments()

    @registry.add()
    class HalfCircle(Circle):
        def __init__(self, angle=0, **kwargs):
            super().__init__(**kwargs)
            self.angle = angle

    @registry.add("half_circle")
    def line():
        return "line"

    return registry


def test_registry_gives_instances_of_classes_and_functions_as_they_are(shapes):
    circle = shapes.entries["Circle"]
    for given in ("Circle", "circle", "round", circle, {"class_name": "Circle"}):
        assert type(shapes.get(given)) is circle
    assert shapes.get("line")() == "line"
    assert shapes.get(None) is None
    one = circle(2)
    assert shapes.get(one) is one
    assert shapes.get(len) is len
    assert [cls.__name__ for cls in shapes.classes()] == ["Circle", "HalfCircle"]
    assert shapes.get("square", {"square": circle}).radius == 1


def test_a_function_keeps_its_name_before_a_class(shapes):
    assert shapes.get("half_circle")() == "line"
    assert shapes.get("HalfCircle").angle == 0


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ("circel", ValueError, "Unknown shape 'circel'. Did you mean 'circle'?"),
        (
            "torus",
            ValueError,
            "Shape 'torus' is in Keras, but not in sheer yet. "
            "Known: Circle, HalfCircle, circle, half_circle, line, round.",
        ),
        (
            {"class_name": "Circl"},
            ValueError,
            "Unknown shape class 'Circl'. Did you mean 'Circle'?",
        ),
        (5, TypeError, "shape must be a name, a config dictionary or a callable. Got 5."),
        (
            {"class_name": "Circle", "config": {"radius": 0}},
            ValueError,
            "Circle: radius must be a number above 0. Got 0.",
        ),
    ],
)
def test_registry_errors(shapes, given, error, text):
    with pytest.raises(error) as caught:
        shapes.get(given)
    assert str(caught.value) == text


def test_config_is_the_constructor_s_arguments(shapes):
    half = shapes.entries["HalfCircle"](90, radius=2)
    assert half.parameters() == ["angle", "radius", "name"]
    assert half.get_config() == {"angle": 90, "radius": 2, "name": "circle"}
    assert repr(half) == "HalfCircle(angle=90, radius=2, name='circle')"
    again = shapes.get(serialize(half))
    assert type(again) is type(half) and again.get_config() == half.get_config()
    assert serialize(len)["config"] == "len"
    assert serialize(5) == 5


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("MeanSquaredError", "mean_squared_error"),
        ("RMSprop", "rm_sprop"),
        ("SGD", "sgd"),
        ("KLDivergence", "kl_divergence"),
        ("Dense", "dense"),
        ("L1L2", "l1l2"),
    ],
)
def test_snake_case(name, snake):
    assert snake_case(name) == snake


# --- checks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "words", "good"),
    [
        (number(), "a number", [0, -1.5, np.float32(2), float("inf")]),
        (number(0, 1), "a number in [0, 1]", [0, 0.5, 1]),
        (number(0, 1, "[)"), "a number in [0, 1)", [0, 0.999]),
        (number(0, 1, "()"), "a number in (0, 1)", [0.1]),
        (number(0), "a number of 0 or more", [0, 7]),
        (number(0, ends="("), "a number above 0", [1e-9]),
        (integer(1), "a whole number of 1 or more", [1, np.int64(3)]),
        (numbers(0, 1), "a list of numbers in [0, 1]", [[0, 1], (0.5,)]),
        (one_of("a", None), "one of 'a', None", ["a", None]),
        (boolean(), "True or False", [True, False]),
        (nothing(), "None", [None]),
        (number(0, 1) | nothing(), "a number in [0, 1] or None", [0.5, None]),
    ],
)
def test_checks(check, words, good):
    assert check.words == words
    assert all(check.accepts(value) for value in good)
    assert not any(check.accepts(value) for value in check.breakers)


def test_breakers_try_both_ends():
    assert {-1, 2, 1, "0.1"} <= set(number(0, 1, "[)").breakers)
    assert True in number(0).breakers and any(b != b for b in number(0).breakers)
    # Of two, only what breaks both.
    assert 2 in number(0, 1).breakers and 2 not in (number(0, 1) | integer(2)).breakers
    assert None in boolean().breakers and None not in (boolean() | nothing()).breakers


# --- errors -----------------------------------------------------------------------------------


def test_did_you_mean():
    assert did_you_mean("rellu", ["relu", "tanh"]) == " Did you mean 'relu'?"
    many = did_you_mean("x", [f"name_{i:03}" for i in range(100)])
    assert many.startswith(" Known: name_000, ") and many.endswith("name_059, and 40 more.")
    assert did_you_mean("ADAM", ["Adam", "adam"]) == " Did you mean 'Adam'?"
    assert did_you_mean("zzz", ["b", "a"]) == " Known: a, b."


def test_user_line():
    line = user_line()
    assert line.startswith("test_core_helpers.py, line ")
    assert line.endswith(": line = user_line()")


# --- names, settings, seeds -------------------------------------------------------------------


def test_names_count_up_by_class():
    class MyThing:
        pass

    assert [naming.auto_name(MyThing()) for _ in range(3)] == [
        "my_thing",
        "my_thing_1",
        "my_thing_2",
    ]
    assert naming.auto_name("dense") == "dense"
    sheer.utils.clear_session()
    assert naming.auto_name(MyThing()) == "my_thing"


def test_floatx_and_epsilon():
    assert config.floatx() == "float32"
    config.set_floatx(np.float64)
    assert config.floatx() == "float64"
    config.set_epsilon(1e-5)
    assert config.epsilon() == 1e-5
    with pytest.raises(ValueError) as caught:
        config.set_floatx("int32")
    assert str(caught.value) == "floatx must be 'float32' or 'float64'. Got 'int32'."
    with pytest.raises(ValueError) as caught:
        config.set_epsilon(0)
    assert str(caught.value) == "epsilon must be a positive number. Got 0."
    assert config.epsilon() == 1e-5


def test_keys():
    random.set_random_seed(5)
    assert random.peek_key() == (5, 1)
    assert [random.next_key() for _ in range(2)] == [(5, 1), (5, 2)]
    assert random.next_key(9) == (9, 0)
    assert random.next_key(-1) == (2**32 - 1, 0)
    first = random.reserve_keys(3)
    assert first == (5, 3)
    assert random.next_key() == (5, 6)
    random.rewind(first)
    assert random.next_key() == first


# --- structures -------------------------------------------------------------------------------


def test_trees():
    Pair = namedtuple("Pair", "a b")
    structure = {"x": [1, (2, 3)], "y": Pair(4, {"z": None})}
    assert tree.leaves(structure) == [1, 2, 3, 4, None]
    doubled = tree.map_tree(lambda v: v and 2 * v, structure)
    assert doubled == {"x": [2, (4, 6)], "y": Pair(8, {"z": None})}
    assert type(doubled["y"]) is Pair
    assert tree.refill(structure, list("abcde")) == {
        "x": ["a", ("b", "c")],
        "y": Pair("d", {"z": "e"}),
    }
    assert tree.leaves(5) == [5]
    assert tree.leaves([]) == []


# --- places -----------------------------------------------------------------------------------


def test_places_nest_and_end():
    assert current_place() == Place()
    with section("loss"):
        with part("mse", "mean"):
            assert current_place() == Place("loss", "mse", "mean")
        assert current_place() == Place("loss")
    with part("dense"):
        assert current_place() == Place("forward", "dense")
    assert current_place() == Place()


# --- files and terminals ----------------------------------------------------------------------


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "text"
    write_text(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == "ä\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["text"]
    with pytest.raises(FileNotFoundError) as caught:
        write_text(tmp_path / "none" / "text", "")
    assert (
        str(caught.value) == f"There is no folder {str(tmp_path / 'none')!r} to write 'text' into."
    )
    with pytest.raises(OSError) as caught:
        write_text(tmp_path, "")
    assert str(caught.value) == (
        f"{tmp_path} is a folder, and no file that can be replaced. Give another name."
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a pipe")
def test_a_device_is_not_replaced_by_a_file(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="is a device, and no file that can be replaced"):
        write_text(path, "")
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_the_file_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", "xyz.tmp")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    with pytest.raises(PermissionError) as caught:
        write_text(tmp_path / "text", "")
    assert str(caught.value) == f"[Errno 13] Permission denied: {str(tmp_path / 'text')!r}"


def test_lines_for_terminals_that_have_no_lines(monkeypatch):
    class Ascii:
        encoding = "ascii"

    monkeypatch.setattr("sys.stdout", Ascii())
    assert printable("┃ a ━ b ┃") == "| a = b |"

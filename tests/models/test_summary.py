"""The table of summary(): Keras's, sign by sign."""

import re

import numpy as np
import pytest

import sheer
from recorded import FOLDER
from sheer import layers

BLOCKS = dict(
    re.findall(r"^# (.*?)\n(.*?)(?=\n# |\Z)", (FOLDER / "summary.txt").read_text(), re.S | re.M)
)


def text_of(model, **options):
    texts = []
    model.summary(print_fn=texts.append, **options)
    (text,) = texts
    return text


@pytest.mark.parametrize("kind", ["built", "compiled", "trained", "unbuilt"])
def test_the_textbooks_model(kind, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    first = [] if kind == "unbuilt" else [sheer.Input((784,))]
    model = sheer.Sequential(
        [*first, layers.Dense(512, activation="relu"), layers.Dense(10, activation="softmax")]
    )
    if kind in ("compiled", "trained"):
        model.compile("rmsprop", "sparse_categorical_crossentropy")
    if kind == "trained":
        model.fit(np.zeros((4, 784)), np.zeros(4, int), verbose=0)
    assert text_of(model) == BLOCKS[f"summary, {kind}"].rstrip("\n")


NESTED = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape   ┃ Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
│ a_name_that_is_too_ │ (None, 3)      │      15 │
│ long (Sequential)   │                │         │
├─────────────────────┼────────────────┼─────────┤
│    └ inner (Dense)  │ (None, 3)      │      15 │
├─────────────────────┼────────────────┼─────────┤
│ frozen (Dense)      │ (None, 2)      │       6 │
└─────────────────────┴────────────────┴─────────┘
 Total params: 21 (84.00 B)
 Trainable params: 15 (60.00 B)
 Non-trainable params: 6 (24.00 B)"""


def test_nested_long_and_frozen():
    model = sheer.Sequential(
        [
            sheer.Input((4,)),
            sheer.Sequential([layers.Dense(3, name="inner")], name="a_name_that_is_too_long"),
            layers.Dense(2, use_bias=False, name="frozen"),
        ],
        name="net",
    )
    model.get_layer("frozen").trainable = False
    assert text_of(model, line_length=50, expand_nested=True) == NESTED
    without = [line for line in NESTED.splitlines() if "inner" not in line]
    del without[without.index("├─────────────────────┼────────────────┼─────────┤")]
    assert text_of(model, line_length=50) == "\n".join(without)


def test_it_prints(capsys):
    sheer.Sequential([sheer.Input((4,)), layers.Dense(3)]).summary()
    assert capsys.readouterr().out.startswith('Model: "sequential"\n┏━━━')


def test_a_model_of_ones_own():
    class Net(sheer.Model):
        def __init__(self):
            super().__init__(name="net")
            self.out = layers.Dense(2)
            self.hidden = [layers.Dense(3), layers.Dense(4)]

        def call(self, x):
            return self.out(self.hidden[1](self.hidden[0](x)))

    net = Net()
    net.build((None, 5))
    lines = text_of(net).splitlines()
    assert [line.split()[1] for line in lines if "(Dense)" in line] == [
        "dense", "dense_1", "dense_2",
    ]  # fmt: skip
    assert " Total params: 44 (176.00 B)" in lines

"""What pictures say, and that nothing in them lies upon anything else."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from sheer.core.errors import NotBuiltError, TraceError
from sheer.inspect.picture import Picture
from sheer.inspect.picture.svg import DARK, LIGHT

SVG = "{http://www.w3.org/2000/svg}"


# --- models ---------------------------------------------------------------------------------


def two_layers(compiled=True):
    model = sheer.Sequential(
        [
            sheer.Input((784,)),
            layers.Dense(512, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="mnist",
    )
    if compiled:
        model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def sixty_layers():
    chain = [layers.Dense(64, activation="relu", name=f"layer_{i}") for i in range(60)]
    model = sheer.Sequential([sheer.Input((64,)), *chain])
    model.compile("adam", "mse")
    return model


def two_inputs_two_outputs():
    words, price = sheer.Input((40,), name="words"), sheer.Input((1,), name="price")
    scale = layers.Normalization(name="scale")
    scale.adapt(np.arange(4.0)[:, None])
    h = layers.Dense(16, activation="relu", name="reader")(words)
    h = layers.Dropout(0.2, name="drop")(layers.Concatenate(name="both")([h, scale(price)]))
    kind = layers.Dense(3, activation="softmax", name="kind")(h)
    rating = layers.Dense(1, name="rating")(h)
    model = sheer.Model({"words": words, "price": price}, {"kind": kind, "rating": rating})
    model.compile(
        "adam",
        {"kind": "sparse_categorical_crossentropy", "rating": "mse"},
        loss_weights={"kind": 1.0, "rating": 0.2},
    )
    return model


def residual(blocks=3):
    x = inputs = sheer.Input((32,), name="features")
    x = layers.Dense(64, activation="relu")(x)
    for _ in range(blocks):
        h = layers.Dense(64, activation="relu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(64)(h)])
    model = sheer.Model(inputs, layers.Dense(1)(x))
    model.compile("adam", "mse")
    return model


def siamese():
    encoder = sheer.Sequential(
        [sheer.Input((16,)), layers.Dense(32, activation="relu", name="inner"), layers.Dense(8)],
        name="encoder",
    )
    left, right = sheer.Input((16,), name="left"), sheer.Input((16,), name="right")
    apart = ops.abs(encoder(left) - encoder(right))
    model = sheer.Model([left, right], layers.Dense(1, activation="sigmoid", name="same")(apart))
    model.compile("sgd", "binary_crossentropy")
    return model


class Block(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.up = layers.Dense(4, activation="relu", name="up")
        self.down = layers.Dense(4, name="down")

    def call(self, x):
        return x + self.down(self.up(x))


class Net(sheer.Model):
    def __init__(self):
        super().__init__(name="net")
        self.first = layers.Dense(4, activation="relu", name="first")
        self.drop = layers.Dropout(0.5, name="drop")
        self.block = Block(name="block")
        self.shared = layers.Dense(1, name="shared")
        self.spare = layers.Dense(3, name="spare")

    def call(self, x, training=False):
        h = self.block(self.drop(self.first(x)))
        return self.shared(h), self.shared(h * 2)


def subclass():
    model = Net()
    model.build((None, 3))
    model.compile("adam", "mse")
    return model


def dense_connections(count=6):
    """Each layer sees all before it: many arrows past many boxes."""
    found = [sheer.Input((8,))]
    for _ in range(count):
        x = layers.Concatenate()(found) if len(found) > 1 else found[0]
        found.append(layers.Dense(8)(x))
    model = sheer.Model(found[0], found[-1])
    model.compile("sgd", "mse")
    return model


def wide(count=6):
    x = sheer.Input((8,))
    branches = [layers.Dense(2 ** (i + 1), name="a_rather_long_name_" * (i % 3) + f"of_{i}")(x)
                for i in range(count)]  # fmt: skip
    model = sheer.Model(x, [layers.Add()([layers.Dense(3)(b) for b in branches]), *branches[:2]])
    model.compile("sgd", ["mse", None, "mae"])
    return model


def wide_optimizer():
    x = sheer.Input((2,))
    model = sheer.Model(x, [layers.Dense(1, name=name)(x) for name in "abc"])
    rate = sheer.optimizers.schedules.PiecewiseConstantDecay([1], [0.1, 0.01])
    model.compile(sheer.optimizers.SGD(rate), [None, lambda y, y_pred: ops.mean(y_pred), None])
    return model


def hostile():
    model = sheer.Sequential(
        [
            sheer.Input((3,), name="a & b"),
            layers.Dense(2, name="<script>alert(1)</script>"),
            layers.Dense(2, name="\"quoted' \x00\x1b]]>"),
            layers.Dense(2, name="很长的中文名字" * 8),
            layers.Dense(2, name="m" * 300),
        ],
        name="</svg><b>&amp;",
    )
    model.compile("sgd", "mse")
    return model


ALL = [two_layers, sixty_layers, two_inputs_two_outputs, residual, siamese, subclass]
ALL += [dense_connections, wide, wide_optimizer, hostile]
MODELS = {function.__name__: function for function in ALL}


# --- reading a picture ----------------------------------------------------------------------


def parsed(picture):
    return ET.fromstring(picture.svg)


def words(picture):
    """All texts that are seen."""
    return [text.text or "" for text in parsed(picture).iter(f"{SVG}text")]


def boxes(picture, kind):
    """For each box of a kind, its texts; those of a frame without what is in it."""
    groups = parsed(picture).iter(f"{SVG}g")
    found = [group for group in groups if kind in group.get("class").split()]
    return [[text.text for text in group.findall(f"{SVG}text")] for group in found]


def rectangle(element):
    x, y, w, h = (float(element.get(name)) for name in ("x", "y", "width", "height"))
    return x, y, x + w, y + h


def area_of(text):
    """Where a text is at most."""
    size, names = float(text.get("font-size")), (text.get("class") or "").split()
    wide = sum(ord(c) > 0x2E80 for c in text.text)
    letter = 0.61 if "mono" in names else 0.62 if "bold" in names else 0.58
    if len(text.text) > 20 and set(text.text) <= {"m", "…"}:
        letter = 1.05
    width = size * (letter * (len(text.text) - wide) + 1.05 * wide)
    x, y = float(text.get("x")), float(text.get("y"))
    x -= {"end": width, "middle": width / 2}.get(text.get("text-anchor"), 0)
    return x, y - size * 0.8, x + width, y + size * 0.22


def meet(a, b, by=0.5):
    """Whether two rectangles have more than an edge in common."""
    return min(a[2], b[2]) - max(a[0], b[0]) > by and min(a[3], b[3]) - max(a[1], b[1]) > by


def within(a, b):
    return a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]


def points_of(path):
    """Many points of a path, which has the steps M, L, C and Q."""
    found = []
    for letter, numbers in re.findall(r"([MLCQ])([^MLCQ]+)", path):
        values = list(map(float, re.findall(r"-?[\d.]+", numbers)))
        ends = list(zip(values[::2], values[1::2], strict=True))
        if letter == "M":
            found += ends
            continue
        level = [np.array([end]) for end in [found[-1], *ends]]
        t = np.linspace(0, 1, 60)[1:, None]
        while len(level) > 1:  # de Casteljau
            level = [a + t * (b - a) for a, b in pairwise(level)]
        found += map(tuple, level[0])
    return found


def assert_nothing_overlaps(picture):
    root = parsed(picture)
    page = 0, 0, float(root.get("width")), float(root.get("height"))
    texts = [(text.text, area_of(text)) for text in root.iter(f"{SVG}text")]
    for (one, a), (other, b) in combinations(texts, 2):
        assert not meet(a, b), f"{one!r} lies upon {other!r}"
    for text, area in texts:
        assert within(area, page), f"{text!r} leaves the page"
    assert all(float(t.get("font-size")) >= 11 for t in root.iter(f"{SVG}text"))
    assert_apart(root, page)


def assert_apart(parent, room):
    """The boxes and arrows right inside of a page or a frame keep to themselves."""
    groups = [g for g in parent.findall(f"{SVG}g") if "box" in g.get("class")]
    cards = [rectangle(g.find(f"{SVG}rect")) for g in groups]
    for a, b in combinations(cards, 2):
        assert not meet(a, b)
    labels = [area_of(text) for text in parent.findall(f"{SVG}text")]
    # Lines may end at a box.
    kept = np.array([[a + 0.5, b + 0.5, c - 0.5, d - 0.5] for a, b, c, d in cards] + labels)
    for path in parent.findall(f"{SVG}path"):
        if "edge" in path.get("class"):
            x, y = np.array(points_of(path.get("d"))).T[:, :, None]
            inside = (x > kept[:, 0]) & (y > kept[:, 1]) & (x < kept[:, 2]) & (y < kept[:, 3])
            assert not inside.any(), path.get("d")
            assert within((x.min(), y.min(), x.max(), y.max()), room)
    for group, card in zip(groups, cards, strict=True):
        assert within(card, room)
        for text in group.findall(f"{SVG}text"):
            assert within(area_of(text), card), text.text
        assert_apart(group, card)


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
@pytest.mark.parametrize("expand_nested", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_nothing_overlaps(name, expand_nested, rankdir):
    assert_nothing_overlaps(MODELS[name]().picture(rankdir, expand_nested))


# --- what is in it --------------------------------------------------------------------------


def test_two_layers():
    picture = two_layers().picture()
    assert boxes(picture, "data") == [["DATA", "x", "(n, 784) float32"]]
    assert boxes(picture, "layer") == [
        ["hidden", "Dense", "relu(x · kernel + bias)", "kernel (784, 512)", "401,408",
         "bias (512,)", "512", "→ (n, 512)", "401,920 parameters"],
        ["digit", "Dense", "softmax(x · kernel + bias)", "kernel (512, 10)", "5,120",
         "bias (10,)", "10", "→ (n, 10)", "5,130 parameters"],
    ]  # fmt: skip
    assert boxes(picture, "predictions") == [["PREDICTIONS", "y_pred", "(n, 10)"]]
    assert boxes(picture, "targets") == [["TARGETS", "y", "(n,)"]]
    assert boxes(picture, "loss") == [["LOSS", "sparse_categorical_crossentropy"]]
    assert boxes(picture, "optimizer") == [["OPTIMIZER", "rmsprop", "learning rate 0.001"]]
    assert {"mnist", "Sequential · 2 layers · 407,050 parameters", "updates"} <= set(words(picture))


def heads(picture, kind):
    """Where the heads of the arrows of a kind point to."""
    return [
        points_of(path.get("d"))[0]
        for path in parsed(picture).iter(f"{SVG}path")
        if path.get("class") == f"head {kind}"
    ]


def test_arrows_forward_and_backward():
    picture = two_layers().picture()
    cards = {
        group.findall(f"{SVG}text")[i].text: rectangle(group.find(f"{SVG}rect"))
        for group in parsed(picture).iter(f"{SVG}g")
        for i in (0, 1)
    }

    def ends_at(name, kind, left=False):
        x0, y0, x1, y1 = cards[name]
        return sum(abs(x - x0) < 1 and y0 < y < y1 if left else abs(y - y0) < 1 and x0 < x < x1
                   for x, y in heads(picture, kind))  # fmt: skip

    # From the data down to the loss, and from the loss by the optimizer back to the weights.
    assert [ends_at(n, "forward") for n in ("hidden", "digit", "y_pred", "LOSS")] == [1, 1, 1, 1]
    assert ends_at("LOSS", "targets") == 1
    assert [ends_at(n, "backward", left=True) for n in ("hidden", "digit")] == [1, 1]
    assert len(heads(picture, "backward")) == 4  # with that at the optimizer, and the legend's


def test_frozen_layers_get_no_update():
    model = two_layers(compiled=False)
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    assert len(heads(model.picture(), "backward")) == 3


def test_sixty_layers():
    model = sixty_layers()
    found = words(model.picture())
    for layer in model.layers:
        assert layer.name in found
    assert found.count("kernel (64, 64), bias (64,)") == 60
    assert len(boxes(model.picture(), "layer")) == 60
    # Several columns: no wider than it is high, or nearly so.
    root = parsed(model.picture())
    assert 0.5 < float(root.get("width")) / float(root.get("height")) < 2


def test_two_inputs_and_two_outputs():
    picture = two_inputs_two_outputs().picture()
    assert boxes(picture, "data") == [
        ["DATA", "price", "(n, 1) float32"],
        ["DATA", "words", "(n, 40) float32"],
    ]
    assert [box[1] for box in boxes(picture, "predictions")] == ["kind", "rating"]
    assert [box[1:] for box in boxes(picture, "targets")] == [
        ["y_kind", "(n,)"],
        ["y_rating", "(n, 1)"],
    ]
    assert boxes(picture, "loss") == [
        ["LOSS", "sparse_categorical_crossentropy", "kind_loss"],
        ["LOSS", "mean_squared_error", "rating_loss"],
        ["SUM OF THE LOSSES", "loss", "kind_loss", "+ 0.2 · rating_loss"],
    ]
    for name in ("scale", "reader", "drop", "both", "kind", "rating"):
        assert name in [box[0] for box in boxes(picture, "layer")]


def test_a_shared_layer_has_a_box_for_each_call():
    found = boxes(siamese().picture(), "layer")
    assert [box[:4] for box in found[:2]] == [
        ["encoder", "Sequential", "2 layers inside", "call 1 of 2"],
        ["encoder", "Sequential", "2 layers inside", "call 2 of 2, the same weights"],
    ]
    assert "inner/kernel (16, 32)" in found[0] and "inner/kernel (16, 32)" not in found[1]
    assert [box[1] for box in boxes(siamese().picture(), "op")] == ["Subtract", "Abs"]


def test_frames():
    picture = siamese().picture(expand_nested=True)
    assert [box[0] for box in boxes(picture, "frame")] == ["encoder", "encoder"]
    frame = next(g for g in parsed(picture).iter(f"{SVG}g") if "frame" in g.get("class"))
    inside = [g.find(f"{SVG}text").text for g in frame.findall(f"{SVG}g")]
    assert inside[0] == "inner" and len(inside) == 2


def test_frames_of_models_whose_call_is_python():
    x = sheer.Input((3,))
    model = sheer.Model(x, layers.Add()([*Net()(x)]))
    picture = model.picture(expand_nested=True)
    assert [box[0] for box in boxes(picture, "frame")] == ["net", "block"]
    inside = [box[0] for box in boxes(picture, "layer")]
    assert inside == ["net", "first", "drop", "block", "up", "down", "shared", "shared", "add"]
    assert_nothing_overlaps(picture)


def test_weights_that_are_not_trained_say_so():
    found = boxes(two_inputs_two_outputs().picture(), "layer")
    scale = next(box for box in found if box[0] == "scale")
    assert "mean (1,) · not trained" in scale
    normalized = sheer.Sequential([sheer.Input((2,)), layers.BatchNormalization()])
    (box,) = boxes(normalized.picture(), "layer")
    assert "gamma (2,)" in box and "moving_mean (2,) · not trained" in box


def test_subclass():
    """In the order in which the traced program uses them; what it does not use is said."""
    picture = subclass().picture()
    assert [box[0] for box in boxes(picture, "box")][1:8] == [
        "first", "drop", "block", "shared", "multiply", "shared", "PREDICTIONS",
    ]  # fmt: skip
    assert "Not used in call: spare" in words(picture)
    assert [box[1] for box in boxes(picture, "targets")] == ["y_1", "y_2"]
    inside = boxes(subclass().picture(expand_nested=True), "layer")
    assert [box[0] for box in inside if box[0] in ("up", "down")] == ["up", "down"]


def test_not_compiled():
    picture = two_layers(compiled=False).picture()
    for kind in ("loss", "optimizer", "targets"):
        assert boxes(picture, kind) == []
    assert boxes(picture, "predictions") and not heads(picture, "backward")


def test_not_built():
    model = sheer.Sequential([layers.Dense(1)], name="new")
    for call, name in [(model.picture, "picture"),
                       (lambda: sheer.utils.plot_model(model), "plot_model")]:  # fmt: skip
        with pytest.raises(NotBuiltError) as error:
            call()
        assert str(error.value) == (
            f"{name}: model 'new' is not built: its input shape is not known yet.\n"
            "Begin it with Input((features,)), call build((None, features)), or call it on data."
        )


class Adversaries(sheer.Model):
    def train_step(self, data):
        return {}


class OwnLoss(sheer.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(y_pred)


def test_losses_of_ones_own():
    model = OwnLoss()
    model.build((None, 2))
    model.compile("sgd", "mse")
    assert boxes(model.picture(), "loss") == [["LOSS", "loss", "computed in OwnLoss.compute_loss"]]
    assert boxes(model.picture(), "targets") == []


def test_a_model_without_a_call():
    model = Adversaries(name="gan")
    with pytest.raises(ValueError) as error:
        model.picture()
    assert str(error.value) == (
        "picture: model 'gan' has no call(), so there is no way from inputs to outputs to draw. "
        "Draw the models in it, one by one."
    )


class Branching(sheer.Model):
    def __init__(self):
        super().__init__(name="branching")
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(x if float(ops.sum(x)) > 0 else -x)


def test_a_call_that_only_runs_on_numbers():
    model = Branching()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    with pytest.raises(TraceError) as error:
        model.picture()
    assert str(error.value).startswith(
        "picture: there is no way to follow through model 'branching', whose call() cannot be "
        "traced; summary() lists its layers.\nA symbol is used as a number, at test_picture.py"
    )


def test_penalties_and_schedules():
    model = sheer.Sequential([sheer.Input((2,)), layers.Dense(1, kernel_regularizer="l2")])
    rate = sheer.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(sheer.optimizers.SGD(rate), "mse", loss_weights=0.5)
    picture = model.picture()
    assert boxes(picture, "loss")[0][2:] == [
        "0.5 · mean_squared_error",
        "+ penalties of weights",
    ]
    assert boxes(picture, "optimizer")[0][2] == "learning rate CosineDecay"


# --- as a file ------------------------------------------------------------------------------


def test_hostile_names_are_harmless():
    picture = hostile().picture()
    root = parsed(picture)
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds == {"svg", "title", "desc", "style", "rect", "g", "path", "text"}
    assert "<script" not in picture.svg and "<b>" not in picture.svg
    assert "<script>alert(1)</script>" in words(picture)
    assert "</svg><b>&amp;" in words(picture)
    assert all(name.partition("}")[0] != "on" for e in root.iter() for name in e.attrib)


def test_for_screen_readers():
    root = parsed(two_layers().picture())
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.find(f"{SVG}title").text == "Sequential 'mnist'"
    said = root.find(f"{SVG}desc").text
    assert said == (
        "Sequential · 2 layers · 407,050 parameters. data x (n, 784) float32. Dense hidden, "
        "relu(x · kernel + bias), output (n, 512), kernel (784, 512), bias (512,), 401,920 "
        "parameters, from x. Dense digit, softmax(x · kernel + bias), output (n, 10), kernel "
        "(512, 10), bias (10,), 5,130 parameters, from hidden. predictions y_pred (n, 10) float32, "
        "from digit. targets y (n,) int64. loss sparse_categorical_crossentropy, from y_pred and "
        "y. optimizer rmsprop, learning rate 0.001, which changes the weights by the gradients of "
        "the loss."
    )


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours):
    """At least 4.5 to 1 between each text and what it may stand on."""
    grounds = ["ground", "box", "frame", "weights", "fixed"]
    pairs = [(text, on) for text in ("ink", "muted") for on in
             [*grounds, "forward-tint", "backward-tint", "target-tint"]]  # fmt: skip
    pairs += [(kind, on) for kind in ("forward", "backward", "target")
              for on in ("ground", f"{kind}-tint")]  # fmt: skip
    for text, on in pairs:
        light, dark = sorted([luminance(colours[text]), luminance(colours[on])], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, on)


def test_style_is_its_own():
    style = parsed(two_layers().picture()).find(f"{SVG}style").text
    assert "@media screen and (prefers-color-scheme:dark){" in style
    rules = re.findall(r"^([^@}{][^{]*)\{", style, re.MULTILINE)
    for selector in [part for rule in rules for part in rule.split(",")]:
        assert selector.strip().startswith(".sheer-picture "), selector
    assert "url(" not in style and "@import" not in style and "@font-face" not in style


def test_save(tmp_path):
    picture = two_layers().picture()
    picture.save(tmp_path / "model.svg")
    assert ET.parse(tmp_path / "model.svg").getroot().tag == f"{SVG}svg"
    picture.save(str(tmp_path / "MODEL.HTML"))
    page = (tmp_path / "MODEL.HTML").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and picture.svg in page
    with pytest.raises(ValueError) as error:
        picture.save("model.png")
    assert str(error.value) == (
        "save: sheer draws SVG, which any browser shows at any size. Got 'model.png'.\n"
        "Give 'model.svg', or 'model.html' for a page. For pixels or paper, open that in a browser "
        "and print it, or convert the SVG: rsvg-convert, Inkscape."
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["MODEL.HTML", "model.svg"]


def test_in_a_notebook():
    picture = two_layers().picture()
    assert picture.svg in picture._repr_html_()
    ET.fromstring(picture._repr_html_())
    assert re.fullmatch(r"<Picture of Sequential 'mnist': \d+ KB of SVG>", repr(picture))


@pytest.mark.parametrize("name", ["two_layers", "two_inputs_two_outputs", "siamese", "subclass"])
def test_the_model_stays_as_it_is(name):
    model, twin = MODELS[name](), MODELS[name]()
    twin.set_weights(model.get_weights())
    before = [w.numpy().copy() for w in model.variables]
    seen = model.metrics_names, model.losses, list(model._steps._steps), len(vars(model))
    compiled = dict(vars(model._compiled_loss))
    for nested in (False, True):
        first = model.picture(expand_nested=nested).svg
        assert model.picture(expand_nested=nested).svg == first
    assert (model.metrics_names, model.losses, list(model._steps._steps), len(vars(model))) == seen
    assert vars(model._compiled_loss) == compiled
    for w, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(w.numpy(), value)


def test_import_sheer_imports_no_picture():
    code = "import sys, sheer; print([m for m in sys.modules if 'picture' in m])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_rankdir():
    for call, name in [(two_layers().picture, "picture"),
                       (lambda rankdir: sheer.utils.plot_model(two_layers(), rankdir=rankdir),
                        "plot_model")]:  # fmt: skip
        with pytest.raises(ValueError) as error:
            call(rankdir="BT")
        assert str(error.value) == (
            f"{name}: rankdir must be 'TB' (top to bottom) or 'LR' (left to right). Got 'BT'."
        )
    down, right = (parsed(two_layers().picture(d)) for d in ("TB", "LR"))
    assert float(down.get("height")) > float(down.get("width"))
    assert float(right.get("height")) < float(right.get("width"))


# --- plot_model -----------------------------------------------------------------------------


def plotted(**arguments):
    return sheer.utils.plot_model(two_layers(), to_file=None, **arguments)


def test_plot_model_shows_what_is_asked_for():
    assert boxes(plotted(), "layer") == [["Dense"], ["Dense"]]
    assert boxes(plotted(show_layer_names=True), "layer")[0] == ["hidden", "Dense"]
    assert boxes(plotted(show_dtype=True), "layer")[0] == ["Dense", "→ float32"]
    assert boxes(plotted(show_shapes=True), "layer")[0] == [
        "Dense", "kernel (784, 512)", "401,408", "bias (512,)", "512", "→ (n, 512)",
        "401,920 parameters",
    ]  # fmt: skip
    assert boxes(plotted(show_layer_activations=True), "layer")[0] == [
        "Dense",
        "relu(x · kernel + bias)",
    ]
    assert boxes(plotted(show_trainable=True), "layer")[0] == ["Dense", "trainable"]
    assert boxes(plotted(show_shapes=True), "data") == [["DATA", "x", "(n, 784) float32"]]
    assert boxes(plotted(), "predictions") == [["PREDICTIONS", "y_pred"]]
    assert len(boxes(plotted(), "optimizer")) == 1


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_nothing_overlaps_in_plots(rankdir):
    for name in ("two_inputs_two_outputs", "siamese", "sixty_layers"):
        for shown in ({}, {"show_shapes": True}, {"show_dtype": True, "show_trainable": True}):
            assert_nothing_overlaps(
                sheer.utils.plot_model(MODELS[name](), to_file=None, rankdir=rankdir, **shown)
            )


def test_plot_model_writes_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = sheer.utils.plot_model(two_layers(), show_shapes=True)
    assert isinstance(picture, Picture)
    assert (tmp_path / "model.svg").read_text(encoding="utf-8") == picture.svg + "\n"
    sheer.utils.plot_model(two_layers(), tmp_path / "other.html", dpi=96)
    with pytest.raises(ValueError) as error:
        sheer.utils.plot_model(two_layers(), to_file="m.png")
    assert str(error.value).startswith(
        "plot_model: sheer draws SVG, which any browser shows at any size. Got 'm.png'.\n"
        "Give 'm.svg', or 'm.html' for a page."
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.svg", "other.html"]


def test_plot_model_refuses_what_it_does_not_know():
    with pytest.raises(ValueError) as error:
        sheer.utils.plot_model(two_layers(), layer_range=["a", "b"])
    assert str(error.value) == (
        "plot_model: layer_range is not in sheer yet; only Keras's default, None, can be given. "
        "Got ['a', 'b']."
    )
    with pytest.raises(TypeError, match="plot_model: unknown argument 'show_shape'"):
        sheer.utils.plot_model(two_layers(), show_shape=True)
    with pytest.raises(TypeError, match=r"plot_model: model must be a model\. Got 3"):
        sheer.utils.plot_model(3)

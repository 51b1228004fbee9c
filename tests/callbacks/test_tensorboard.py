"""Event files, read as the real TensorBoard reads them."""

import io
import sys

import numpy as np
import pytest

import sheer
from planned import ISAS, on_engine
from sheer.callbacks import BackupAndRestore, TensorBoard
from sheer.callbacks.tensorboard import png
from small import classifier, data

event_accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard"
)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ENGINES = ["numpy", *(["native"] if ISAS else [])]
X, Y = data(40)


def events(folder):
    found = event_accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


def tensors(found, tag):
    """The steps, and the values."""
    from tensorboard.util.tensor_util import make_ndarray

    entries = found.Tensors(tag)
    return [e.step for e in entries], [make_ndarray(e.tensor_proto) for e in entries]


def kinds(found):
    """The plugin that shows each tag."""
    return {
        tag: found.SummaryMetadata(tag).plugin_data.plugin_name for tag in found.Tags()["tensors"]
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_scalars(engine, tmp_path):
    with on_engine(engine):
        model = classifier()
        board = TensorBoard(tmp_path, write_graph=False)
        arguments = {"batch_size": 8, "epochs": 3, "verbose": 0, "validation_data": (X, Y)}
        history = model.fit(X, Y, callbacks=[board], **arguments).history
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    assert kinds(train) == dict.fromkeys(
        ["epoch_accuracy", "epoch_learning_rate", "epoch_loss"], "scalars"
    )
    assert set(kinds(validation)) == {
        "epoch_accuracy", "epoch_loss", "evaluation_accuracy_vs_iterations",
        "evaluation_loss_vs_iterations",
    }  # fmt: skip
    for found, prefix in ((train, ""), (validation, "val_")):
        steps, values = tensors(found, "epoch_loss")
        assert steps == [0, 1, 2]
        np.testing.assert_array_equal(values, np.float32(history[f"{prefix}loss"]))
    steps, values = tensors(validation, "evaluation_loss_vs_iterations")
    assert steps == [5, 10, 15]
    np.testing.assert_array_equal(values, np.float32(history["val_loss"]))
    assert tensors(train, "epoch_learning_rate")[1] == [np.float32(0.01)] * 3


@pytest.mark.parametrize(("update_freq", "steps"), [("batch", range(1, 11)), (3, [3, 6, 9])])
def test_figures_of_batches(update_freq, steps, tmp_path):
    board = TensorBoard(tmp_path, update_freq=update_freq, write_steps_per_second=True)
    classifier().fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[board])
    train = events(tmp_path / "train")
    assert tensors(train, "batch_loss")[0] == list(steps)
    assert tensors(train, "epoch_steps_per_second")[1][0] > 0


def test_the_program(tmp_path):
    model = classifier()
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    train = events(tmp_path / "train")
    assert kinds(train)["program"] == "text"
    (text,) = tensors(train, "program")[1]
    assert text.item().decode() == f"```python\n{model.train_program().text}\n```"


def test_histograms_of_weights_and_gradients(tmp_path):
    model = classifier(optimizer=sheer.optimizers.SGD(0.0))
    model.layers[0].bias.assign([1, 2, 3, 4, 5])
    board = TensorBoard(tmp_path, histogram_freq=2, write_gradients=True, write_graph=False)
    model.fit(X, Y, epochs=5, batch_size=8, verbose=0, callbacks=[board])
    train = events(tmp_path / "train")
    paths = [w.path for w in model.weights]
    assert {tag for tag, kind in kinds(train).items() if kind == "histograms"} == {
        *(f"{path}/histogram" for path in paths), *(f"{path}/gradient" for path in paths)
    }  # fmt: skip
    steps, values = tensors(train, f"{paths[1]}/histogram")
    assert steps == [0, 2, 4]
    buckets = values[0]  # from, to, how many
    assert (buckets[0, 0], buckets[-1, 1], buckets[:, 2].sum()) == (1, 5, 5)
    # The gradients are those of the loss of all rows.
    with sheer.GradientTape() as tape:
        losses = sheer.losses.sparse_categorical_crossentropy(Y, model(X))
        loss = sheer.ops.mean(losses)
    gradient = tape.gradient(loss, model.weights)[2].numpy()
    buckets = tensors(train, f"{paths[2]}/gradient")[1][0]
    assert buckets[:, 2].sum() == gradient.size
    np.testing.assert_allclose(
        [buckets[0, 0], buckets[-1, 1]], [gradient.min(), gradient.max()], rtol=1e-4
    )


def test_images_of_weights(tmp_path):
    image = pytest.importorskip("PIL.Image")
    model = classifier(optimizer=sheer.optimizers.SGD(0.0))
    kernel = np.linspace(-0.5, 1.5, 15, dtype=np.float32).reshape(5, 3)
    model.layers[1].kernel.assign(kernel)
    board = TensorBoard(tmp_path, histogram_freq=1, write_images=True)
    model.fit(X, Y, verbose=0, callbacks=[board])
    train = events(tmp_path / "train")
    tag = f"{model.layers[1].kernel.path}/image"
    assert kinds(train)[tag] == "images"
    columns, rows, content = tensors(train, tag)[1][0]
    assert (columns, rows) == (b"5", b"3")
    found = np.asarray(image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(found, (np.clip(kernel.T, 0, 1) * 255.5).astype(np.uint8))


def test_png_by_hand():
    """The smallest image there is, byte by byte but for the check sums."""
    found = png(np.array([[7]], np.uint8))
    assert found.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0")
    assert found.endswith(b"\0\0\0\0IEND\xae\x42\x60\x82")


def test_a_run_that_goes_on(tmp_path):
    """The numbers of the steps go on too."""

    def fit(callbacks):
        classifier().fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)

    class Fault(sheer.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError

    backup = BackupAndRestore(tmp_path / "backup")
    with pytest.raises(RuntimeError):
        fit([TensorBoard(tmp_path / "a", update_freq=1), backup, Fault()])
    fit([TensorBoard(tmp_path / "b", update_freq=1), backup])
    assert tensors(events(tmp_path / "b/train"), "batch_loss")[0] == [6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"profile_batch": 2}, "TensorBoard: profile_batch is not in sheer yet; only Keras's "
         "default, 0, can be given. Got 2."),
        ({"update_freq": 0}, "TensorBoard: update_freq must be 'batch', 'epoch' or a whole number "
         "of 1 or more. Got 0."),
        ({"histogram_freq": -1}, "TensorBoard: histogram_freq must be a whole number of 0 or more. "
         "Got -1."),
    ],
)  # fmt: skip
def test_arguments(arguments, text):
    with pytest.raises(ValueError) as caught:
        TensorBoard(**arguments)
    assert str(caught.value) == text


def test_without_the_package(monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.startswith("tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError) as caught:
        classifier().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert str(caught.value) == (
        "TensorBoard: the package tensorboard is not there, which writes its files. Install it: "
        'pip install "sheer[tensorboard]".'
    )

"""TensorBoard: figures, weights and gradients, in files that the real TensorBoard shows."""

from __future__ import annotations

import importlib
import os
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

from sheer.callbacks.base import Callback, Logs
from sheer.core.checks import integer
from sheer.core.registry import refuse

ROWS = 1024  # of the data, for the gradients

MODULES = (
    "tensorboard.compat.proto.event_pb2",
    "tensorboard.compat.proto.summary_pb2",
    "tensorboard.summary.writer.event_file_writer",
    "tensorboard.plugins.image.metadata",
    "tensorboard.util.tensor_util",
    "tensorboard.plugins.scalar.summary_v2",
    "tensorboard.plugins.histogram.summary_v2",
    "tensorboard.plugins.text.summary_v2",
)


class TensorBoard(Callback):
    """Writes event files for TensorBoard: `tensorboard --logdir=logs` shows them.

    It needs the package tensorboard (`pip install "sheer[tensorboard]"`), and not TensorFlow.

    Figures of training go to the folder `train` in `log_dir`, those of validation to `validation`:
    `epoch_loss` by epoch, `batch_loss` by batch, `evaluation_loss_vs_iterations` by step.

    Args:
        log_dir: the folder, for it alone.
        histogram_freq: after every how many epochs there are histograms of the weights; 0 for none.
        write_graph: accepted; sheer has no graph of TensorFlow. `train_program()` prints a step.
        write_images: whether weights are shown as images too, with the histograms.
        write_steps_per_second: whether that is written too.
        update_freq: `"epoch"`; or `"batch"`, or after every how many batches figures are written.
        embeddings_freq, embeddings_metadata, profile_batch: not in sheer yet; only the defaults.
        write_gradients: whether there are histograms of the gradients as well: of the loss of the
            first rows of the data, at most 1,024 of them.
    """

    kept = ("_train_steps",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
        write_gradients: bool = False,
    ):
        super().__init__()
        given = {
            "profile_batch": profile_batch,
            "embeddings_freq": embeddings_freq,
            "embeddings_metadata": embeddings_metadata,
        }
        refuse("TensorBoard", given, dict(zip(given, (0, 0, None), strict=True)), [])
        update_freq = 1 if update_freq == "batch" else update_freq
        if update_freq != "epoch" and not integer(1).accepts(update_freq):
            raise ValueError(
                f"TensorBoard: update_freq must be 'batch', 'epoch' or {integer(1).words}. "
                f"Got {update_freq!r}."
            )
        if not integer(0).accepts(histogram_freq):
            raise ValueError(
                f"TensorBoard: histogram_freq must be {integer(0).words}. Got {histogram_freq!r}."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_images = histogram_freq, write_images
        self.write_graph = write_graph
        self.write_steps_per_second, self.update_freq = write_steps_per_second, update_freq
        self.write_gradients = write_gradients
        self.every_batch = update_freq != "epoch"
        self._writers: dict[str, Any] = {}
        self._train_steps = 0
        self._begun = 0.0
        self._done = 0

    # --- when ---------------------------------------------------------------------------------

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        _package()  # an error now, and not after an epoch

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._train_steps = 0
        if self.write_graph and not self.model.run_eagerly:
            text = self.model.train_program().text
            self._write("train", "program", "text", f"```python\n{text}\n```", 0)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._begun = time.perf_counter()
        self._done = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if isinstance(self.update_freq, str):
            return
        self._train_steps += 1
        if self._train_steps % self.update_freq == 0:
            self._write_figures("train", "batch_", logs or {}, self._train_steps)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        figures = {name: v for name, v in logs.items() if not name.startswith("val_")}
        held_out = {name[4:]: v for name, v in logs.items() if name.startswith("val_")}
        figures["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            steps = int(self.model.optimizer.iterations) - self._done
            figures["steps_per_second"] = steps / (time.perf_counter() - self._begun)
        self._write_figures("train", "epoch_", figures, epoch)
        self._write_figures("validation", "epoch_", held_out, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        for name, value in (logs or {}).items() if optimizer is not None else ():
            tag = f"evaluation_{name}_vs_iterations"
            self._write("validation", tag, "scalar", value, int(optimizer.iterations))

    def on_train_end(self, logs: Logs | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    # --- what -----------------------------------------------------------------------------------

    def _write_figures(self, folder: str, prefix: str, figures: Logs, step: int) -> None:
        for name, value in figures.items():
            if np.ndim(value) == 0:
                self._write(folder, f"{prefix}{name}", "scalar", value, step)

    def _write_weights(self, epoch: int) -> None:
        for weight in self.model.weights:
            value = weight.numpy()
            self._write_histogram(f"{weight.path}/histogram", value, epoch)
            if self.write_images and (image := _as_image(value)) is not None:
                self._write("train", f"{weight.path}/image", "image", image, epoch)
        if self.write_gradients:
            for path, gradient in self.model._training.run.gradients(ROWS).items():
                self._write_histogram(f"{path}/gradient", gradient, epoch)

    def _write_histogram(self, tag: str, values: np.ndarray[Any, Any], epoch: int) -> None:
        self._write("train", tag, "histogram", values[np.isfinite(values)], epoch)

    def _write(self, folder: str, tag: str, kind: str, value: Any, step: int) -> None:
        """Write one thing to the event file of a folder, which is made when it is first needed."""
        package = _package()
        if folder not in self._writers:
            path = os.path.join(self.log_dir, folder)
            self._writers[folder] = package.writer(path)
        event = package.event(wall_time=time.time(), step=step)
        event.summary.CopyFrom(getattr(package, kind)(tag, value))
        self._writers[folder].add_event(event)


def _package() -> SimpleNamespace:
    """What is used of the package tensorboard, imported here and nowhere else."""
    try:
        (event_pb2, summary_pb2, event_file_writer, image_metadata, tensor_util, *views) = map(
            importlib.import_module, MODULES
        )
    except ImportError as error:
        raise ImportError(
            "TensorBoard: the package tensorboard is not there, which writes its files. "
            'Install it: pip install "sheer[tensorboard]".'
        ) from error

    def image_pb(tag: str, image: np.ndarray[Any, Any]) -> Any:
        rows, columns = image.shape
        content = [str(columns).encode(), str(rows).encode(), png(image)]
        summary = summary_pb2.Summary()
        summary.value.add(
            tag=tag,
            metadata=image_metadata.create_summary_metadata(None, None),
            tensor=tensor_util.make_tensor_proto(np.array(content, object), np.object_),
        )
        return summary

    scalars, histograms, texts = views
    return SimpleNamespace(
        writer=event_file_writer.EventFileWriter,
        event=event_pb2.Event,
        scalar=scalars.scalar_pb,
        histogram=histograms.histogram_pb,
        text=texts.text_pb,
        image=image_pb,
    )


def _as_image(weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """A weight of one or two axes as grey levels, at least as wide as high: 0 black, 1 white."""
    image = weight.squeeze()
    if image.ndim not in (1, 2):
        return None
    image = image[None] if image.ndim == 1 else image.T if len(image) > image.shape[1] else image
    levels: np.ndarray[Any, Any] = (np.clip(image, 0, 1) * 255.5).astype(np.uint8)
    return levels


def png(image: np.ndarray[Any, Any]) -> bytes:
    """Grey levels (rows, columns) uint8 as a PNG file: its header, the rows, its end.

    (ISO/IEC 15948: each part is its length, its name, its content, and their check sum.)
    """
    import zlib

    def part(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return len(content).to_bytes(4, "big") + name + content + check.to_bytes(4, "big")

    rows, columns = image.shape
    sizes = columns.to_bytes(4, "big") + rows.to_bytes(4, "big")
    content = b"".join(b"\0" + row.tobytes() for row in image)  # no filter before each row
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", sizes + bytes([8, 0, 0, 0, 0]))
        + part(b"IDAT", zlib.compress(content))
        + part(b"IEND", b"")
    )

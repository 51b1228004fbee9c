"""Record a short training on MNIST as the page has it: `python scripts/view_sample.py OUT`.

OUT is a .json, for what an exported page embeds, or an .html, for the page itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

import sheer
from sheer import layers
from sheer.inspect.view.export import embedded
from sheer.inspect.view.plain import to_json


def main(out: Path) -> None:
    (x, y), _ = sheer.datasets.mnist.load_data()
    x = x.reshape(-1, 784).astype("float32") / 255
    sheer.utils.set_random_seed(0)
    model = sheer.Sequential(
        [layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    view = sheer.callbacks.View(port=None, every=30, keep=8)
    model.fit(
        x[:12800], y[:12800], epochs=3, batch_size=128, callbacks=[view],
        validation_data=(x[50000:52000], y[50000:52000]),
    )  # fmt: skip
    view.export(out) if out.suffix == ".html" else out.write_text(to_json(embedded(view.session)))
    print(f"Wrote {out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

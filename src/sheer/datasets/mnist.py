"""MNIST: handwritten digits, 28 by 28 pixels, 60,000 to train with and 10,000 to test with."""

import os

from sheer.datasets._files import Source, Splits, load

SOURCE = Source(
    module="mnist",
    title="MNIST",
    archives=("mnist.npz",),
    folders=("mnist",),
    cache="datasets",
    # The name and the SHA-256 that Keras has.
    downloads={"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
)


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> Splits:
    """MNIST's images and labels, as `keras.datasets.mnist.load_data` gives them.

    Looked for, in this order: at `path`, in the folder that the environment variable
    `SHEER_DATASETS` names, in Keras's cache (`$KERAS_HOME` or `~/.keras`, `datasets/mnist.npz`).
    Where it is nowhere, it is downloaded into that cache (11 MB), and its SHA-256 is checked.

    Args:
        path: an `.npz` file with the arrays `x_train`, `y_train`, `x_test` and `y_test`, or a
            folder that holds one, or that holds the four original files
            (`train-images-idx3-ubyte.gz` and so on, zipped or not). A bare name that is not in
            the current folder is looked for in Keras's cache. The default `"mnist.npz"` starts
            the search above; for a file of that name in the current folder write `"./mnist.npz"`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8:
        x_train (60000, 28, 28) and x_test (10000, 28, 28), 0 for paper to 255 for ink;
        y_train (60000,) and y_test (10000,), the digits 0 to 9.

    Raises:
        FileNotFoundError: `path` or `SHEER_DATASETS` names nothing that can be used.
        ValueError: a file is damaged, or does not hold what it should.
        ConnectionError: the download failed, or what arrived has another SHA-256.

    Example:
        >>> from sheer.datasets import mnist
        >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((60000, 28, 28), (10000,))

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits"
    (1998). Licence: CC BY-SA 3.0.
    """
    return load(SOURCE, None if path == "mnist.npz" else path)

"""Fashion-MNIST: pieces of clothing, in the same form as MNIST, and harder to tell apart."""

import os

from sheer.datasets._files import Source, Splits, load

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

SOURCE = Source(
    module="fashion_mnist",
    title="Fashion-MNIST",
    archives=("fashion-mnist.npz", "fashion_mnist.npz"),
    folders=("fashion-mnist", "fashion_mnist"),
    cache="datasets/fashion-mnist",
    # SHA-256 of the original files, the same as in Keras. Debian's package has the same four
    # compressed streams without the file name and time in the gzip header; with these put back,
    # its files give the MD5 sums that the authors publish, and these SHA-256 sums.
    downloads={
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
    },
    package="dataset-fashion-mnist",
    package_folder="/usr/share/datasets/fashion-mnist",
)


def load_data(path: str | os.PathLike[str] | None = None) -> Splits:
    """Fashion-MNIST's images and labels, as `keras.datasets.fashion_mnist.load_data` gives them.

    Looked for, in this order: at `path`, in the folder that the environment variable
    `SHEER_DATASETS` names, in Keras's cache (`$KERAS_HOME` or `~/.keras`,
    `datasets/fashion-mnist/`), and where Debian's package `dataset-fashion-mnist` puts it.
    Where it is nowhere, it is downloaded into that cache (31 MB), and its SHA-256 is checked.

    Args:
        path: an `.npz` file with the arrays `x_train`, `y_train`, `x_test` and `y_test`, or a
            folder that holds one, or that holds the four original files
            (`train-images-idx3-ubyte.gz` and so on, zipped or not). Default: None, the search
            above. (Keras has no such argument.)

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8:
        x_train (60000, 28, 28) and x_test (10000, 28, 28), 0 for background to 255;
        y_train (60000,) and y_test (10000,), 0 to 9: places in `fashion_mnist.CLASS_NAMES`.

    Raises:
        FileNotFoundError: `path` or `SHEER_DATASETS` names nothing that can be used.
        ValueError: a file is damaged, or does not hold what it should.
        ConnectionError: the download failed, or what arrived has another SHA-256.

    Example:
        >>> from sheer.datasets import fashion_mnist
        >>> fashion_mnist.CLASS_NAMES[9]
        'Ankle boot'
        >>> (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()  # doctest: +SKIP
        >>> fashion_mnist.CLASS_NAMES[y_train[0]]  # doctest: +SKIP
        'Ankle boot'

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST" (2017), arXiv:1708.07747.
    Copyright Zalando SE. Licence: MIT.
    """
    return load(SOURCE, path)

"""1,797 handwritten digits, 8 by 8 pixels. They come with sheer: no download."""

import math

import numpy as np
from numpy.typing import NDArray

from sheer.datasets._files import Splits


def load_data(test_fraction: float = 0.2, seed: int | None = None) -> Splits:
    """Handwritten digits, small enough to train on in a second.

    The digits lie in the order in which they were collected, form after form: every 130 rows or
    so the same sequence of digits begins anew, filled in by one of 13 people. By default the last
    rows are the test set, so that it asks about forms, and nearly always hands, that training has
    not seen (the cut goes through one form). That is harder, and closer to use, than a split at
    random: the nearest neighbour in the training set names 95.6 % of these test digits, and 98 to
    99 % of digits drawn at random, whose writers it knows. Either way each class has its share in
    both parts.

    Args:
        test_fraction: the part to test with, above 0 and below 1; the number of test digits is
            rounded up. Default: 0.2.
        seed: None splits by the order of the file, as told above, and shuffles nothing; a whole
            number of 0 or more draws the test digits at random from all forms, in shuffled order,
            always the same for the same seed. Default: None.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8:
        x_train (1437, 8, 8) and x_test (360, 8, 8), 0 for paper to 16 for ink;
        y_train (1437,) and y_test (360,), the digits 0 to 9.

    Raises:
        ValueError: `test_fraction` is out of range, or leaves nothing to train with.

    Example:
        >>> from sheer.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, x_train.dtype, x_test.shape
        ((1437, 8, 8), dtype('uint8'), (360, 8, 8))
        >>> y_train[:12]
        array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1], dtype=uint8)

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits" (1998), UCI
    Machine Learning Repository, https://doi.org/10.24432/C50P49; of it the test set, as
    scikit-learn ships it. Licence: CC BY 4.0 (see DIGITS_LICENSE.md beside this file).
    """
    x, y = _read()
    count = math.ceil(len(y) * test_fraction) if 0 < test_fraction < 1 else 0
    if not 0 < count < len(y):
        raise ValueError(
            "digits.load_data: test_fraction must be above 0 and below 1, and leave at least one "
            f"of the {len(y)} digits to train with. Got {test_fraction!r}."
        )
    if seed is None:
        train, test = np.arange(len(y) - count), np.arange(len(y) - count, len(y))
    else:
        train, test = _draw(y, count, seed)
    return (x[train], y[train]), (x[test], y[test])


def _draw(y: NDArray[np.uint8], count: int, seed: int) -> tuple[NDArray[np.intp], ...]:
    """Shuffled rows to train and to test with; of each class its share (to within one row)."""
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(y))
    by_class = order[np.argsort(y[order], kind="stable")]
    every = (np.arange(count) + 0.5) * len(y) / count
    in_test = np.zeros(len(y), bool)
    in_test[by_class[every.astype(np.intp)]] = True
    return order[~in_test[order]], order[in_test[order]]


def _read() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All images (1797, 8, 8) and labels (1797,). A line of the file: 64 pixels, then the digit."""
    import gzip
    import io
    from importlib.resources import files

    packed = files("sheer.datasets").joinpath("digits.csv.gz").read_bytes()
    rows = np.loadtxt(io.BytesIO(gzip.decompress(packed)), dtype=np.uint8, delimiter=",")
    return rows[:, :64].reshape(-1, 8, 8), rows[:, 64]

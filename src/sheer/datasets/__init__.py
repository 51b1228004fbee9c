"""Small data sets to learn and test with: one module each, with one function, `load_data`.

    >>> from sheer.datasets import digits
    >>> (x_train, y_train), (x_test, y_test) = digits.load_data()

`digits` comes with sheer. `mnist` and `fashion_mnist` are looked for on this machine and, where
they are missing, downloaded once into Keras's own cache.
"""

from sheer.datasets import digits, fashion_mnist, mnist

__all__ = ["digits", "fashion_mnist", "mnist"]

"""Gradients: the tape that listens, and the one backward walk."""

from sheer.autodiff.check import check_gradient
from sheer.autodiff.tape import GradientTape

__all__ = ["GradientTape", "check_gradient"]

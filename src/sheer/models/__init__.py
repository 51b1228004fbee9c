"""Models."""

from sheer.models.model import Model
from sheer.models.sequential import Sequential

__all__ = ["Model", "Sequential"]

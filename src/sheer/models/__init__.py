"""Models."""

from sheer.models.model import Model
from sheer.models.saved import load_model, save_model
from sheer.models.sequential import Sequential

__all__ = ["Model", "Sequential", "load_model", "save_model"]

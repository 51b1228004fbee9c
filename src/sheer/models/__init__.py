"""Models."""

from sheer.models.model import Model
from sheer.models.sequential import Sequential
from sheer.saving.models import load_model, save_model

__all__ = ["Model", "Sequential", "load_model", "save_model"]

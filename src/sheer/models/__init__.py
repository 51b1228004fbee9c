"""Models."""

from sheer.models.cloning import clone_model, model_from_json
from sheer.models.functional import Functional
from sheer.models.model import Model
from sheer.models.sequential import Sequential
from sheer.saving.models import load_model, save_model

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

"""Weights in files: the safetensors format, which holds arrays and text, and nothing that runs."""

from sheer.saving.safetensors import read, write
from sheer.saving.weights import load_weights, save_weights

__all__ = ["load_weights", "read", "save_weights", "write"]

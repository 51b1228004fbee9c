"""Callbacks: what happens between the steps of `fit`, `evaluate` and `predict`."""

from sheer.callbacks.base import Callback, CallbackList
from sheer.callbacks.early_stopping import EarlyStopping
from sheer.callbacks.history import History
from sheer.callbacks.lambda_callback import LambdaCallback
from sheer.callbacks.progress import ProgbarLogger

__all__ = [
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ProgbarLogger",
]

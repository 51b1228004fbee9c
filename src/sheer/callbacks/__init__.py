"""Callbacks: what happens between the steps of `fit`, `evaluate` and `predict`."""

from typing import Any

from sheer.callbacks.backup_and_restore import BackupAndRestore
from sheer.callbacks.base import Callback
from sheer.callbacks.callback_list import CallbackList
from sheer.callbacks.csv_logger import CSVLogger
from sheer.callbacks.doctor import Doctor
from sheer.callbacks.early_stopping import EarlyStopping
from sheer.callbacks.history import History
from sheer.callbacks.lambda_callback import LambdaCallback
from sheer.callbacks.learning_rate_scheduler import LearningRateScheduler
from sheer.callbacks.model_checkpoint import ModelCheckpoint
from sheer.callbacks.progress import ProgbarLogger
from sheer.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from sheer.callbacks.remote_monitor import RemoteMonitor
from sheer.callbacks.swap_ema_weights import SwapEMAWeights
from sheer.callbacks.tensorboard import TensorBoard
from sheer.callbacks.terminate_on_nan import TerminateOnNaN
from sheer.callbacks.view import View

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "Doctor",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "View",
]


def __getattr__(name: str) -> Any:
    if name == "OrbaxCheckpoint":
        raise AttributeError(
            "OrbaxCheckpoint is in Keras, but not in sheer yet. BackupAndRestore keeps the whole "
            "state of a training; ModelCheckpoint the model."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Optimizers, by class, by name, or by config: `optimizers.get("adam")`."""

from typing import TYPE_CHECKING, Any

from sheer.core.errors import absent
from sheer.core.registry import serialize as serialize
from sheer.optimizers import schedules
from sheer.optimizers.adadelta import Adadelta
from sheer.optimizers.adafactor import Adafactor
from sheer.optimizers.adagrad import Adagrad
from sheer.optimizers.adam import Adam, AdamW
from sheer.optimizers.adamax import Adamax
from sheer.optimizers.base import OPTIMIZERS, Optimizer
from sheer.optimizers.ftrl import Ftrl
from sheer.optimizers.lamb import Lamb
from sheer.optimizers.lion import Lion
from sheer.optimizers.muon import Muon
from sheer.optimizers.nadam import Nadam
from sheer.optimizers.rmsprop import RMSprop
from sheer.optimizers.schedule_free import ScheduleFreeAdamW
from sheer.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Any:
    """The optimizer meant by a name (in upper or lower case), a config, or an instance.

    >>> get("RMSProp").name
    'rmsprop'
    """
    if identifier is None:
        raise ValueError("optimizer must be a name, a config or an Optimizer. Got None.")
    found = identifier if isinstance(identifier, Optimizer) else deserialize(identifier)
    if not isinstance(found, Optimizer):
        raise TypeError(f"optimizer must be a name, a config or an Optimizer. Got {identifier!r}.")
    return found


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer that `serialize` described; `custom_objects`: further classes by name."""
    if isinstance(config, str) and config.lower() in OPTIMIZERS.entries:
        config = config.lower()
    return OPTIMIZERS.get(config, custom_objects)


if not TYPE_CHECKING:
    __getattr__ = absent(__name__, "LossScaleOptimizer MultiOptimizer OptimizerMap legacy")

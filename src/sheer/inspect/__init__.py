"""The views of a program, of one step of it, and of a model."""

from sheer.inspect.recorded import RecordedStep
from sheer.inspect.statistics import Statistics

__all__ = ["RecordedStep", "Statistics"]

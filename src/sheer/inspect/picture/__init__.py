"""The picture of a model, drawn as SVG with no other program."""

from sheer.inspect.picture.describe import Show
from sheer.inspect.picture.picture import Picture, check_ending, picture

__all__ = ["Picture", "Show", "check_ending", "picture"]

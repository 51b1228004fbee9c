"""A graph as readable Python text, and the text as something that runs."""

from sheer.program.program import Program

__all__ = ["Program"]

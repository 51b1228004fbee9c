"""The graph of a computation, written down while its code runs once on symbols."""

from sheer.trace.graph import Graph, Trace, trace

__all__ = ["Graph", "Trace", "trace"]

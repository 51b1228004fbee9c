"""What the doctor looks for: each finding is one Rule, in the file of its kind."""

from sheer.inspect.findings import course, gradients, inputs, labels, outputs, rates, units
from sheer.inspect.findings.finding import RULES, Finding, Rule
from sheer.inspect.findings.seen import Seen

__all__ = [
    "RULES",
    "Finding",
    "Rule",
    "Seen",
    "course",
    "gradients",
    "inputs",
    "labels",
    "outputs",
    "rates",
    "units",
]

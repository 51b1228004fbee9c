"""The commands of a page: which there are, and what their arguments must be."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import Check, integer, number, one_of
from sheer.core.errors import did_you_mean

GOALS = ("not_finite", "loss_jump", "wrong", "right")
MOST_STEPS = 1000

_STEPS = Check(
    f"a whole number from 1 to {MOST_STEPS}",
    lambda v: integer(1).accepts(v) and v <= MOST_STEPS,
    (0, MOST_STEPS + 1, 1.5, True),
)
_FINITE = number(0, 1e6)
_ANY = Check(
    "an array, or one by the name of each input", lambda v: isinstance(v, (list, dict)), (1,)
)

# For each command its arguments; those that end with ? may be left out.
COMMANDS: dict[str, dict[str, Check]] = {
    "next_batch": {},
    "next_epoch": {},
    "run": {},
    "pause": {},
    "stop": {},
    "record": {},
    "run_until": {"what": one_of(*GOALS), "sample?": integer(0)},
    "predict": {"x": _ANY},
    "what_if": {"learning_rate": _FINITE, "steps": _STEPS},
    "set_learning_rate": {"value": _FINITE},
}


def checked(name: Any, arguments: Any) -> dict[str, Any]:
    """The arguments of a command, after all checks; ValueError says what is wrong.

    >>> checked("what_if", {"learning_rate": 0.01, "steps": 0})
    Traceback (most recent call last):
    ValueError: what_if: steps must be a whole number from 1 to 1000. Got 0.
    """
    if not isinstance(name, str) or name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS) if isinstance(name, str) else ""
        raise ValueError(f"There is no command {name!r:.80}.{hint}")
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise ValueError(f"{name}: arguments must be an object. Got {arguments!r:.80}.")
    checks = {key.rstrip("?"): check for key, check in COMMANDS[name].items()}
    unknown = [key for key in arguments if key not in checks]
    if unknown:
        known = ", ".join(checks) or "none"
        raise ValueError(f"{name}: unknown argument {unknown[0]!r:.80}. Known: {known}.")
    for key in COMMANDS[name]:
        if key not in arguments and not key.endswith("?"):
            raise ValueError(f"{name}: {key} is missing.")
    for key, value in arguments.items():
        if not checks[key].accepts(value):
            raise ValueError(f"{name}: {key} must be {checks[key].words}. Got {value!r:.80}.")
    if arguments.get("what") in ("wrong", "right") and "sample" not in arguments:
        raise ValueError("run_until: sample, the number of a row of the data, is missing.")
    return dict(arguments)

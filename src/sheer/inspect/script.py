"""A recorded step as a script that runs it once more, with NumPy alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from sheer.core.files import replacing, write_text
from sheer.program.rows import function_of

# It stands below the program, so that the lines of that keep their numbers.
MAIN = '''

def main():
    """Run the recorded step once more; its inputs are in a file beside this one."""
    import linecache
    import sys
    from pathlib import Path
    from types import SimpleNamespace

    with np.load(Path(__file__).with_suffix(".npz")) as file:
        arrays = {key: file[key] for key in file.files}
    parameters = {parameters}
    arguments = []
    for name in parameters:
        members = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith(name + ".")}
        arguments.append(SimpleNamespace(**members) if members else arrays[name])
    found = [f"{k}, which goes in" for k, v in arrays.items() if not is_finite(v)]
    found = [words for words in found if not words.startswith("metrics.")]
    known, line = set(parameters), 0

    def each_call(frame, event, argument):
        return each_line if frame.f_code is {name}.__code__ else None

    def each_line(frame, event, argument):
        """Look at the values that the line before this one computed."""
        nonlocal line
        for key in frame.f_locals.keys() - known:
            known.add(key)
            if not is_finite(frame.f_locals[key]):
                text = linecache.getline(__file__, line).strip()
                found.append(f"{key}, in line {line}: {text}")
        line = frame.f_lineno
        return each_line

    sys.settrace(each_call)
    try:
        with np.errstate(all="ignore"):
            result = {name}(*arguments)
    finally:
        sys.settrace(None)
    figures = result[0] if isinstance(result, tuple) else result
    if isinstance(figures, dict):
        for key, value in figures.items():
            print(f"{key}: {float(value):.9g}")
    else:
        print(figures)
    print("First NaN or infinity:", found[0] if found else "none, all values are finite.")


def is_finite(value):
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind != "f":
        return True
    return bool(np.isfinite(value).all())


if __name__ == "__main__":
    main()
'''


def write_script(step: Any, path: str | os.PathLike[str]) -> Path:
    """Write the step's program as a script, and its inputs in an .npz file beside it, of which the
    path is answered.

    `python SCRIPT` then runs the very step, and prints its figures and its first NaN or infinity.
    """
    path = Path(path)
    if path.suffix != ".py":
        raise ValueError(f"{path}: the name of a script ends in .py.")
    function = function_of(step.text, step.name)
    parameters = [a.arg for a in function.args.args]
    present = {name.partition(".")[0] for name in step.inputs}
    lacking = [name for name in parameters if name not in present]
    if lacking:
        raise ValueError(f"The step has no inputs for {', '.join(lacking)}: it cannot run again.")
    main = MAIN.replace("{parameters}", repr(parameters)).replace("{name}", step.name)
    data = path.with_suffix(".npz")
    with replacing(data) as file:
        np.savez(file, **step.inputs)
    write_text(path, step.text.rstrip("\n") + "\n" + main)
    return data

"""What importing sheer costs."""

import os
import statistics
import subprocess
import sys

# Against what `import numpy` takes in the same process: one limit for slow and fast machines.
LIMIT = 1.3
CODE = """
import time
start = time.perf_counter()
import numpy
middle = time.perf_counter()
import sheer
end = time.perf_counter()
print((middle - start) * 1000, (end - middle) * 1000)
"""


def times_ms(cache: str) -> tuple[float, float]:
    """What importing NumPy takes, and what sheer adds."""
    # With bytecode, as an installed package has it, whatever the environment says.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = cache
    run = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=env
    )
    numpy, added = map(float, run.stdout.split())
    return numpy, added


def test_import_time(capsys, tmp_path):
    times_ms(str(tmp_path))  # compiles the bytecode
    numpy, added = zip(*(times_ms(str(tmp_path)) for _ in range(9)), strict=True)
    with capsys.disabled():
        both = f"{statistics.median(added):.0f} ms to import numpy's {statistics.median(numpy):.0f}"
        print(f"\nimport sheer adds {both} ms (best {min(added):.0f} and {min(numpy):.0f} ms)")
    assert min(added) <= LIMIT * min(numpy)


def test_nothing_heavy_is_imported():
    code = "import sys, sheer; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(run.stdout.split())
    assert modules.isdisjoint({"jax", "torch", "tensorflow", "keras", "urllib.request", "argparse"})

"""Write the golden programs anew: `python scripts/write_golden.py`, then review `git diff`."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "tests" / "program"
sys.path.insert(0, str(FOLDER))

from golden_cases import programs  # noqa: E402


def main() -> None:
    (FOLDER / "golden").mkdir(exist_ok=True)
    for name, program in programs():
        program.save(FOLDER / "golden" / f"{name}.txt")
        print(name)


if __name__ == "__main__":
    main()

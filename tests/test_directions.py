"""Imports point down: each part knows only the parts below it."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "sheer"

# From the bottom up; parts on one line do not see each other, but for the pairs below.
LEVELS = [
    {"core"},
    {"ops"},
    {"trace", "autodiff"},
    {"engines"},
    {"program"},
    {"initializers", "regularizers", "constraints", "activations"},
    {"layers", "losses", "metrics", "optimizers", "saving", "datasets"},
    {"inspect"},
    {"callbacks"},
    {"training"},
    {"models"},
    {"utils", "config"},
    {"tf", "cli", "wrappers"},
]
# Some metrics are the means of losses.
SIBLINGS = {("metrics", "losses")}
# The vocabulary is written with ops: it knows no graph, no tape, no program, no engine.
VOCABULARY = LEVELS[5] | {"layers", "losses", "metrics", "optimizers"}
MACHINERY = {"trace", "autodiff", "program", "engines"}
# Each is imported in one place only, and none is a dependency of the package.
FOREIGN = {"jax", "tensorflow", "torch", "keras"}


def part_of(path: Path) -> str:
    first = path.relative_to(SRC).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int]]:
    """The modules that a file imports for use, wherever in the file; not those for types alone."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [alias.name for alias in node.names] if node.module == "sheer" else []
            found += [(f"sheer.{n}", node.lineno) for n in names] or [(node.module, node.lineno)]
    return found


FILES = [p for p in sorted(SRC.rglob("*.py")) if part_of(p) not in ("__init__", "__main__")]


def test_every_part_has_a_level():
    assert {part_of(p) for p in FILES} <= set().union(*LEVELS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_point_down(path):
    own = part_of(path)
    level = next(i for i, parts in enumerate(LEVELS) if own in parts)
    for module, line in imports(path):
        if not module.startswith("sheer.") or own == "tf":
            assert module.split(".")[0] not in FOREIGN, f"{path}:{line} imports {module}"
            continue
        other = module.split(".")[1]
        if other == own or other == "__version__":
            continue
        found = next((i for i, parts in enumerate(LEVELS) if other in parts), None)
        if own == "cli" and found is None:
            continue  # the command uses the public names
        assert found is not None, f"{path}:{line} imports {module}, not a part"
        assert found < level or (own, other) in SIBLINGS, f"{path}:{line} imports {module}"
        assert not (own in VOCABULARY and other in MACHINERY), f"{path}:{line} imports {module}"


def test_only_program_writes_python():
    """Files that build source text: the program part, and the script made of its texts."""
    writers = {str(p.relative_to(SRC)) for p in FILES if "ast.unparse" in p.read_text()}
    assert writers == {"program/helpers.py", "program/write.py"}


def test_only_one_place_imports_the_compiled_module():
    importers = {str(p.relative_to(SRC)) for p in FILES if "native._native" in p.read_text()}
    assert importers == {"engines/native/native.py"}

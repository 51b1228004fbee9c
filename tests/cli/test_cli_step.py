"""`sheer step`: what it shows of a recorded step, the script that it writes, and every error."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sheer import cli, saving
from sheer.inspect import RecordedStep
from steps import NAMES, data, model, recorded


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """80 columns, and an empty folder to stand in."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("SHEER_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command in this process: (status, stdout, stderr)."""

    def run(*words: Any) -> tuple[int, str, str]:
        status = cli.main(["step", *[str(word) for word in words]])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def step() -> RecordedStep:
    """The textbook's, saved as step.safetensors."""
    found = recorded("textbook")
    found.save("step.safetensors")
    return found


def broken() -> RecordedStep:
    """A step whose first NaN or infinity is in z1: two rows, one unit."""
    made = model("textbook")
    x, y = data("textbook")
    weights = made.get_weights()
    weights[0][5, 17] = 3e38
    x[:, 5] = 0
    x[[1, 4], 5] = 10
    made.set_weights(weights)
    found = made.trace_step(x, y)
    found.save("broken.safetensors")
    return found


def test_the_table(run: Any, step: RecordedStep) -> None:
    status, out, err = run("step.safetensors")
    assert (status, err) == (0, "")
    assert out == step.table(80)


def test_where_the_first_nan_is(run: Any) -> None:
    found = broken()
    status, out, _ = run("broken.safetensors")
    assert status == 0
    table, _, report = out.partition("\nWhere the first NaN or infinity is:\n")
    assert table == found.table(80)
    assert report == (
        "  line 9 of the program, of layer dense: z1 = x @ dense.kernel + dense.bias\n"
        "  the first: z1[1, 17] = inf\n"
        "  rows with one: 1, 4 (2 of 6)\n"
        "  To see how it came about: --explain z1,1,17\n"
    )
    status, out, _ = run("broken.safetensors", "--explain", "z1,1,17", "--terms", 1)
    assert status == 0
    assert "x[1, 5] · dense.kernel[5, 17]  10 · 3e+38" in out


def test_a_weight_that_is_not_finite(run: Any) -> None:
    made = model("textbook")
    x, y = data("textbook")
    found = made.trace_step(x, y)
    found.inputs["dense.kernel"][3, 2] = np.nan
    found.save("s.safetensors")
    assert run("s.safetensors")[1].endswith(
        "Where the first NaN or infinity is:\n"
        "  dense.kernel went into the step with it.\n"
        "  the first: dense.kernel[3, 2] = nan\n"
        "  places along its first axis with one: 3 (1 of 784)\n"
    )


def test_a_value(run: Any, step: RecordedStep) -> None:
    status, out, _ = run("step.safetensors", "--value", "h1")
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "h1: 6 × 512, float32"
    assert lines[1] == "line 10: h1 = np.maximum(z1, 0)"
    array = step["h1"].astype("float64")
    assert lines[2] == (
        f"min 0, mean {array.mean():.3g}, max {array.max():.3g}, standard deviation "
        f"{array.std():.3g}"
    )
    assert lines[3] == f"{(array == 0).mean():.0%} zero"
    assert lines[5] == "the first 6 along each axis:"
    numbers = re.findall(r"-?\d+\.\d*", "\n".join(lines[6:]))
    np.testing.assert_allclose(np.float64(numbers), array[:6, :6].ravel(), atol=5e-4)
    assert run("step.safetensors", "--value", "loss")[1].splitlines()[0] == (
        "loss: a single number, float32"
    )
    assert "it went into the step" in run("step.safetensors", "--value", "x")[1]


def test_explanations(run: Any, step: RecordedStep) -> None:
    out = run("step.safetensors", "--explain", "dense,3,17", "--terms", 4)[1]
    assert out == str(step.explain("dense", 3, 17, most=4))
    out = run("step.safetensors", "--explain-gradient", "dense.kernel,152,17")[1]
    assert out == str(step.explain_gradient("dense.kernel", 152, 17))
    assert run("step.safetensors", "--explain", "loss")[1] == str(step.explain("loss"))


CASES = [(name, "train") for name in NAMES] + [("textbook", "predict"), ("textbook", "test")]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_script_takes_the_very_step_again(name: str, kind: str, run: Any) -> None:
    found = recorded(name, kind)
    found.save("step.safetensors")
    status, out, _ = run("step.safetensors", "--write-program", "again.py")
    assert status == 0
    assert out == (
        "Wrote again.py, and its inputs as again.npz.\n"
        "It runs what stands in the recorded file: where that is not yours, read it first.\n"
        "Run: python again.py\n"
    )
    lines = Path("again.py").read_text().splitlines()
    assert "\n".join(lines).startswith(found.text.rstrip())
    ran = subprocess.run(
        [sys.executable, "-I", "-W", "error", "again.py"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    *figures, last = ran.stdout.splitlines()
    assert last == "First NaN or infinity: none, all values are finite."
    if kind == "predict":
        assert figures[0].startswith("[[")
    else:
        printed = {k: float(v) for k, v in (line.split(": ") for line in figures)}
        # The engine made the large products of the record, and rounds them its own way.
        assert printed == pytest.approx({k: float(v) for k, v in found.logs.items()}, rel=1e-6)


def test_the_script_finds_the_line_of_the_first_nan(run: Any) -> None:
    found = broken()
    run("broken.safetensors", "--write-program", "again.py")
    ran = subprocess.run(
        [sys.executable, "-I", "again.py"], capture_output=True, text=True, check=True, timeout=60
    )
    row = found.row_of("z1")
    assert ran.stdout.splitlines()[-1].partition("#")[0].rstrip() == (
        f"First NaN or infinity: z1, in line {row.first}: {row.source}"
    )


def test_nothing_runs(run: Any, step: RecordedStep) -> None:
    step.text = "open('ran', 'w').close()\n" + step.text
    step.save("step.safetensors")
    for words in (
        [],
        ["--value", "z1"],
        ["--explain", "z1,1,1"],
        ["--explain-gradient", "dense.kernel,1,1"],
        ["--write-program", "again.py"],
    ):
        assert run("step.safetensors", *words)[0] == 0
    assert not Path("ran").exists()


ERRORS = {
    ("--value", "z3"): "--value z3: There is no value 'z3' in train_step. Known: ",
    ("--explain", "z1,1"): "--explain z1,1: z1 has shape (6, 512), so one number of it has 2 "
    "indices. Got 1: [1].",
    ("--explain", "z1,1,x"): "--explain z1,1,x: after the name stand whole numbers, with commas "
    "between them, such as z1,3,17.",
    ("--explain", "z1,1,512"): "--explain z1,1,512: z1 has shape (6, 512): axis 1 goes from 0 to "
    "511. Got 512.",
    ("--explain", "dens,1,2"): "--explain dens,1,2: there is no value or layer 'dens'. Did you "
    "mean 'dense'?",
    ("--explain-gradient", "x,1,2"): "--explain-gradient x,1,2: 'x' has no gradient in "
    "train_step. These have one: z2, h1, dense_1.kernel, dense_1.bias, z1, dense.kernel, "
    "dense.bias.",
    ("--write-program", "again.txt"): "--write-program again.txt: the name must end in .py.",
    ("--write-program", "no/again.py"): "--write-program no/again.py: there is no folder 'no'.",
    ("--terms", "0"): "argument --terms: '0' is no whole number of 1 or more.",
    ("--explan", "z1,1,1"): "unknown option '--explan'. Did you mean '--explain'?",
}


@pytest.mark.parametrize("words", ERRORS)
def test_errors_of_the_command_line(words: tuple[str, str], run: Any, step: RecordedStep) -> None:
    status, out, err = run("step.safetensors", *words)
    assert (status, out) == (2, "")
    found = " ".join(err.partition("error: ")[2].split())
    assert found.startswith(ERRORS[words])


def test_errors_of_files(run: Any, step: RecordedStep) -> None:
    status, _, err = run("none.safetensors")
    assert status == 1 and "There is no file 'none.safetensors'" in " ".join(err.split())
    saving.write("model.safetensors", {"a": np.ones(1)}, {"b": "c"})
    status, _, err = run("model.safetensors")
    assert status == 1
    assert " ".join(err.split()) == (
        "sheer step: error: model.safetensors holds no recorded step, as RecordedStep.save writes "
        "it."
    )
    whole = Path("step.safetensors").read_bytes()
    for end in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        Path("cut.safetensors").write_bytes(whole[:end])
        status, out, err = run("cut.safetensors")
        assert (status, out) == (1, "") and "should not happen" not in err
    assert run()[0] == 2


def test_bytes_of_the_file_that_were_changed(run: Any, step: RecordedStep) -> None:
    """Shown, or refused; never a fault of sheer's, never a control character."""
    whole = bytearray(Path("step.safetensors").read_bytes())
    length = int.from_bytes(whole[:8], "little")
    rng = np.random.default_rng(0)
    for place in rng.integers(8, 8 + length, 60):
        changed = whole.copy()
        changed[place] = rng.choice([0x1B, 0x22, 0x30, 0x5C, 0x7B, 0xFF])
        Path("changed.safetensors").write_bytes(changed)
        for words in ([], ["--explain", "h1,1,1"]):
            status, out, err = run("changed.safetensors", *words)
            assert status in (0, 1, 2) and "should not happen" not in err
            assert all(c.isprintable() or c == "\n" for c in out + err)


def test_help(run: Any) -> None:
    status, out, _ = run("--help")
    assert status == 0
    assert 'trace.save("step.safetensors")' in out and "Nothing in the file runs." in out
    assert all(len(line) <= 80 for line in out.splitlines())
    for option in ("--value", "--explain", "--explain-gradient", "--write-program"):
        assert f"sheer step step.safetensors {option} " in out

"""The guides say what is so: each block of code in them runs, and prints what stands below it."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)")
TIME = re.compile(r"[\d.]+ (?:µs|ms|s)\b")


def blocks(path: Path) -> list[tuple[str, str]]:
    """The blocks of a guide, each with its language: python, sh, or text for what is printed."""
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def differences(printed: str, shown: str) -> str:
    """Where the two differ, empty where they agree: the words exactly, numbers with a point to a
    thousandth, as processors round otherwise; times are not compared, nor how many blanks stand
    between words. `...` alone on a line stands for any lines, at the end of one for its rest."""
    lines = iter(map(plain, printed.strip("\n").splitlines()))
    is_gap = False
    for wanted in map(plain, shown.strip("\n").splitlines()):
        if wanted.strip() == "...":
            is_gap = True
            continue
        for line in lines:
            if alike(line, wanted):
                break
            if not is_gap:
                return f"shown:   {wanted}\nprinted: {line}"
        else:
            return f"shown, and not printed: {wanted}"
        is_gap = False
    rest = list(lines)
    return "" if is_gap or not rest else f"printed, and not shown: {rest[0]}"


def plain(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return indent + " ".join(TIME.sub("TIME", line).split())


def alike(line: str, wanted: str) -> bool:
    if wanted.endswith(" ..."):
        wanted = wanted.removesuffix("...")
        line = line[: len(wanted)]
    if NUMBER.sub("#", line) != NUMBER.sub("#", wanted):
        return False
    pairs = zip(NUMBER.findall(line), NUMBER.findall(wanted), strict=True)
    return all(float(a) == pytest.approx(float(b), rel=2e-3, abs=2e-3) for a, b in pairs)


def test_differences_are_found():
    assert not differences("loss 0.5001 at\nb\nc", "loss 0.5002 at\n...\nc")
    assert not differences("a = 1  # why\n", "a = ...")
    assert not differences("x   -2.5e-12   13 ms", "x  -2.7e-12  9.1 µs")
    assert differences("loss 0.51", "loss 0.52")
    assert differences("loss 0.51 x", "loss 0.51 y")
    assert differences("a\nb", "a")
    assert differences("a", "a\nb")


def run(language: str, code: str, names: dict[str, object]) -> str:
    """What a block prints."""
    if language == "python":
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "the guide", "exec"), names)
        return printed.getvalue()
    program, *words = code.split()
    command = {"python": [sys.executable], "sheer": [sys.executable, "-m", "sheer"]}[program]
    environment = {**os.environ, "COLUMNS": "100", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


@pytest.mark.parametrize("name", ["inside-fit.md"])
def test_a_guide(name, mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "guide"}
    printed = ""
    for language, text in blocks(DOCS / name):
        if language == "text":
            assert not differences(printed, text), f"{differences(printed, text)}\n\n{printed}"
        else:
            printed = run(language, text, names)


@pytest.mark.parametrize("name", ["README.md", "docs/inside-fit.md"])
def test_the_chinese_text_has_the_same_code(name):
    english = DOCS.parent / name
    assert blocks(english.with_name(f"{english.stem}.zh-CN.md")) == blocks(english)


@pytest.mark.parametrize(
    "name", ["README.zh-CN.md", "docs/inside-fit.md", "docs/inside-fit.zh-CN.md"]
)
def test_links(name):
    page = DOCS.parent / name
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target

"""`sheer view`: a training in a page, and the page in a file."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sheer
from sheer import cli
from watched import Page

SRC = str(Path(sheer.__file__).parents[1])
SMALL = ["--layers", "16,10", "--epochs", "2"]


@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("SHEER_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    """Run the command in this process: (status, stdout, stderr)."""

    def run(*words):
        status = cli.main(["view", *map(str, words)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


class Child:
    """`sheer view` as a user runs it."""

    def __init__(self, *words):
        command = [sys.executable, "-m", "sheer", "view", "--no-browser", *words]
        environment = {**os.environ, "PYTHONPATH": SRC, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.said = ""

    def until(self, pattern):
        """Read what it says up to a line with this; the match."""
        for line in self.process.stdout:
            self.said += line
            if found := re.search(pattern, line):
                return found
        raise AssertionError(self.said + self.process.stderr.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def state_in(path):
    html = Path(path).read_text("utf-8")
    return json.loads(re.search(r'id="sheer-data">(.*?)</script>', html, re.S)[1])["state"]


def test_export_needs_none_of_the_packages(run, monkeypatch):
    for name in ("starlette", "uvicorn", "anywidget"):
        monkeypatch.setitem(sys.modules, name, None)
    status, out, err = run("--export", "digits.html", *SMALL)
    assert (status, err) == (0, "")
    size = Path("digits.html").stat().st_size / 1e6
    assert out.endswith(
        f"Wrote digits.html, {size:.1f} MB. Open it in a browser: it needs nothing else.\n"
    )
    assert "On the 360 images held out:" in out and "http" not in out
    state = state_in("digits.html")
    assert state["status"]["state"] == "done"
    assert state["data"]["inputs"][0]["image"] == {"height": 8, "width": 8, "channels": 1}
    assert state["data"]["classes"] == list("0123456789")
    assert len(state["steps"]) == 13 and state["steps"][0]["tensors"]


def test_a_csv_file_has_no_images(run, tmp_path):
    lines = [f"{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(80)]
    Path("flowers.csv").write_text("\n".join(["x,z,kind", *lines]) + "\n")
    status, _, err = run("--data", "flowers.csv", "--export", "f.html", "--epochs", "1")
    assert (status, err) == (0, "")
    state = state_in("f.html")
    assert state["data"]["inputs"][0]["image"] is None
    assert state["data"]["classes"] == ["a", "b"]


def test_the_page_says_what_went_wrong(run):
    status, _, err = run(
        *SMALL, "--optimizer", "sgd", "--learning-rate", "1e30", "--export", "d.html"
    )
    assert status == 1 and "The training diverged in epoch 1" in err
    findings = state_in("d.html")["findings"]
    assert findings and all(f["title"] and f["text"] for f in findings)
    assert not list(Path.cwd().glob("*.step"))


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["--export", "view.txt"], 2, "--export view.txt: the name must end in .html."),
        (["--export", "no/v.html"], 2, "--export no/v.html: there is no folder 'no'."),
        (["--export", "."], 2, "--export . is a folder. Name a file in it."),
        (["--port", "65536"], 2, "'65536' is no whole number from 0 to 65535."),
        (["--exprt", "v.html"], 2, "unknown option '--exprt'. Did you mean '--export'?"),
    ],
)
def test_a_command_line_that_cannot_be(run, words, status, text):
    found, _, err = run(*words)
    assert found == status and text in err


def test_without_the_packages_it_says_what_to_do(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette", None)
    status, out, err = run()
    assert status == 1 and out == ""
    assert " ".join(err.split()) == (
        "sheer view: error: The page needs the packages starlette and uvicorn: pip install "
        '"sheer[view]". Without them: sheer view --export FILE.html'
    )


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_page_lets_the_training_go_and_ctrl_c_ends_it():
    with Child(*SMALL) as child:
        page = Page(child.until(r"This training on screen: (\S+)")[1])
        child.until("It waits there for you to let it go; Ctrl-C ends it.")
        for _ in range(200):
            status = page.json("/api/state")["status"]
            if status["state"] == "paused":
                break
            time.sleep(0.02)
        assert (status["state"], status["batch"]) == ("paused", 0)
        assert page.command("run")[0] == 200
        child.until("On the 360 images held out:")
        child.until("The page stays, until you press Ctrl-C here.")
        assert page.json("/api/state")["status"]["state"] == "done"
        assert page.command("predict", x=[0.5] * 64)[0] == 200
        child.process.send_signal(signal.SIGINT)
        assert child.process.wait(20) == 0
        assert child.process.stderr.read() == ""


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_ctrl_c_before_the_first_batch():
    with Child() as child:
        child.until("It waits there")
        time.sleep(0.5)
        child.process.send_signal(signal.SIGINT)
        child.until("Stopped.")
        assert child.process.wait(20) == 0
        assert child.process.stderr.read() == ""


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_training_that_diverges_can_be_looked_at():
    with Child(*SMALL, "--run", "--optimizer", "sgd", "--learning-rate", "1e30") as child:
        page = Page(child.until(r"This training on screen: (\S+)")[1])
        child.until("The page stays")
        assert page.json("/api/state")["status"]["state"] == "done"
        child.process.send_signal(signal.SIGINT)
        assert child.process.wait(20) == 1
        assert "The training diverged in epoch 1" in child.process.stderr.read()

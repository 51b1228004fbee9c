"""How a recorded step looks: as text, and as a table in a notebook."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from sheer.inspect import terminal
from steps import NAMES, data, model, recorded

TABLE = """\
predict_step, 1 row
The first value that is not finite: z2[0, 0] = NaN, one of 2 in it; line 12 of layer dense_1: \
z2 = h1 @
  dense_1.kernel + dense_1.bias

                                               shape    min   mean    max           notable    time
what goes in
      x                                        1 × 2      1    1.5      2
      dense.bias                                   1  0.125  0.125  0.125

forward
  dense: relu(x · kernel + bias)
   9  z1 = x @ dense.kernel + dense.bias       1 × 4   -1.5  0.125      2          50% zero  300 µs
  10  h1 = np.maximum(z1, 0)                   1 × 4      0    0.5      2          75% zero   12 µs
  dense_1: softmax(x · kernel + bias)
! 12  z2 = h1 @ dense_1.kernel + dense_1.bias  1 × 4      1      2      3  25% NaN, 25% inf  2.1 ms
  13  y_pred = softmax(z2)                                    0.25                            1.5 s

NumPy took 1.5 s for all lines together.
"""


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_whole_table():
    step = recorded("textbook", "predict")
    step.values["z1"] = np.array([[-1.5, 0, 0, 2]], "float32")
    step.values["h1"] = np.array([[0, 0, 0, 2]], "float32")
    step.values["z2"] = np.array([[np.nan, 1, -np.inf, 3]], "float32")
    step.values["y_pred"] = np.array(0.25)
    step.inputs = {"x": np.array([[1, 2]]), "dense.bias": np.array([0.125])}
    step.seconds = [0.0003, 0.000012, 0.0021, 1.5, 0]
    assert str(step) == TABLE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [80, 110, 140])
def test_every_line_fits_and_has_its_figures(name, width):
    step = recorded(name)
    lines = step.table(width).splitlines()
    assert all(len(line) <= width for line in lines), max(map(len, lines))
    text = "\n".join(lines)
    for phase in ("1. forward", "2. loss", "3. backward", "4. update", "5. metrics"):
        assert re.search(rf"^{phase}", text, re.MULTILINE)
    for row in step.rows:
        if row.phase == "result":
            continue
        (line,) = [line for line in lines if re.match(rf"[ !] +{row.first}  ", line)]
        if len(row.targets) == 1:
            assert f"  {row.targets[0][:10]}" in line
            shape = " × ".join(map(str, step[row.targets[0]].shape))
            assert f" {shape} " in line
    for target in [t for row in step.rows if len(row.targets) > 1 for t in row.targets]:
        if target in step:
            assert any(line.strip().startswith(f"→ {target}"[:20]) for line in lines)
    comments = re.findall(r"^    # ([\w.]+: .*)$", step.text, re.MULTILINE)
    assert len(comments) > 2
    for comment in comments:
        assert f"  {comment}"[:width] in lines or comment[:40] in text


def test_what_went_in_is_what_layers_have():
    step = recorded("textbook")
    text = str(step)
    top = text[: text.index("1. forward")]
    assert "dense.kernel" in top and "\n      x " in top
    assert "rmsprop.dense_kernel_velocity" not in top and "metrics." not in top
    step.inputs["rmsprop.dense_kernel_velocity"][0, 0] = np.nan
    text = step.table()
    bad = recorded("textbook")
    bad.inputs["rmsprop.dense_kernel_velocity"][0, 0] = np.nan
    assert "!     rmsprop.dense_kernel_velocity" in bad.table()


def test_place_and_figures_in_the_title():
    step = recorded("textbook")
    step.place = {"epoch": 0, "batch": 3}
    loss, accuracy = (float(step.logs[k]) for k in ("loss", "accuracy"))
    assert str(step).splitlines()[0] == (
        f"train_step, epoch 1, batch 4, 6 rows: accuracy {accuracy:.4g}, loss {loss:.4g}"
    )


def test_nan_is_marked_without_colour():
    made = model("textbook")
    x, y = data("textbook")
    x[2, 5] = np.inf
    lines = made.trace_step(x, y).table(colour=False).splitlines()
    assert lines[1] == "The first value that is not finite: x[2, 5] = inf; so it went into the step"
    marked = [line for line in lines if line.startswith("! ")]
    assert [line for line in lines if "NaN" in line or "% inf" in line] == marked
    assert any(re.match(r"! 17  loss = np.mean\(losses\) +NaN ", line) for line in marked)
    assert not any("\x1b" in line for line in lines)


def test_colour_only_where_a_terminal_shows_it(monkeypatch):
    step = recorded("binary")
    assert "\x1b" not in str(step)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    coloured = str(step)
    assert "\x1b[1m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == step.table(colour=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in str(step)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.shows_colour()


def test_shortening():
    source = "a, b = step(c, d)"
    assert terminal.shortened(source, 17) == source
    assert terminal.shortened(source, 16) == "a, b = step(...)"
    assert terminal.shortened(source, 10) == "a, b = ..."


class Table(HTMLParser):
    """The cells of a table, and whether its tags close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.headings = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "br":
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "th":
            self.headings.append(dict(attrs)["scope"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += text


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_a_notebook(name):
    step = recorded(name)
    html = step._repr_html_()
    table = Table(html)
    assert table.open == [] and html.startswith("<table>") and "<caption" in html
    assert set(table.headings) == {"col", "rowgroup"}
    assert table.rows[0] == ["line", "program", "shape", "min", "mean", "max", "notable", "time"]
    by_line = {row[0]: row for row in table.rows if row[0].isdigit()}
    for row in step.rows:
        if row.phase != "result" and len(row.targets) == 1:
            cells = by_line[str(row.first)]
            assert cells[1] == row.source and len(cells) == 8
            assert cells[2] == " × ".join(map(str, step[row.targets[0]].shape))

"""The progress display in a real terminal."""

import fcntl
import os
import re
import struct
import sys
import termios
import textwrap

import pytest

pty = pytest.importorskip("pty")

PROGRAM = """
import time
import numpy as np
import sheer
from sheer.callbacks import Callback, LambdaCallback
x = np.ones((200, 4), np.float32)
model = sheer.Sequential([sheer.Input((4,)), sheer.layers.Dense(2, kernel_initializer="ones")])
model.compile(sheer.optimizers.SGD(0.0), "mse", metrics=["mae"])
class Slow(Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.11)
"""


def run(code, columns=80, **environment):
    """What a terminal gets, byte by byte."""
    pid, terminal = pty.fork()
    if pid == 0:
        # Without COLUMNS, which readline sets behind the back of os.environ.
        names = {**os.environ, "TERM": "xterm", **environment}
        names.pop("COLUMNS", None)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(sys.executable, [sys.executable, "-c", PROGRAM + textwrap.dedent(code)], names)
    output = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        output += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    return output.decode()


def screen(output, columns=80):
    """What stands on the screen at the end, with the times masked."""
    lines, row, column = [""], 0, 0
    for sign in re.sub(r"\033\[\d*m", "", output):
        if sign == "\r":
            column = 0
        elif sign == "\n":
            row += 1
            lines.append("")
        else:
            if column == columns:
                row, column = row + 1, 0
                lines.append("")
            lines[row] = lines[row][:column] + sign + lines[row][column + 1 :]
            column += 1
    return [re.sub(r"\b\d+(us|ms|s)\b", "T", line.rstrip()) for line in lines]


BAR = "━" * 20


def test_bars_in_a_terminal_of_80_columns():
    output = run("""
        say = LambdaCallback(on_epoch_end=lambda epoch, logs: print("said"))
        model.fit(x, x[:, :2], batch_size=50, epochs=2, validation_split=0.25,
                  callbacks=[Slow(), say])
        model.evaluate(x, x[:, :2])
        model.predict(x)
    """)
    assert screen(output) == [
        "Epoch 1/2",
        f"3/3 {BAR} T T/step - loss: 9.0000 - mae: 3.0000",
        "    val_loss: 9.0000 - val_mae: 3.0000",
        "said",
        "Epoch 2/2",
        f"3/3 {BAR} T T/step - loss: 9.0000 - mae: 3.0000",
        "    val_loss: 9.0000 - val_mae: 3.0000",
        "said",
        f"7/7 {BAR} T T/step - loss: 9.0000 - mae: 3.0000",
        f"7/7 {BAR} T T/step",
        "",
    ]
    # On the way the bar grew, in green and grey, with the time left.
    assert (
        "\r2/3 \033[32m━━━━━━━━━━━━━\033[0m\033[90m───────\033[0m <1s left - loss: 9.0000 - "
        "mae: 3.0000"
    ) in output


@pytest.mark.parametrize("columns", [40, 60, 130])
def test_no_line_is_wider_than_the_terminal(columns):
    output = run(
        """
        model.fit(x, x[:, :2], batch_size=50, validation_split=0.25, callbacks=[Slow()])
        """,
        columns,
    )
    drawn = re.split(r"[\r\n]+", re.sub(r"\033\[\d*m", "", output))
    assert max(map(len, drawn)) <= columns
    lines = screen(output, columns)
    figures = "loss: 9.0000 - mae: 3.0000 - val_loss: 9.0000 - val_mae: 3.0000"
    assert " - ".join(line.strip() for line in lines[1:-1]).endswith(figures)
    assert (len(lines) == 3) == (columns == 130)


def test_a_terminal_without_colours():
    output = run("model.fit(x, x[:, :2], batch_size=50, callbacks=[Slow()])", NO_COLOR="1")
    assert "\033" not in output and "━" in output


def test_a_terminal_without_box_drawing():
    output = run("model.predict(x); model.summary()", PYTHONIOENCODING="ascii")
    assert f"7/7 {'=' * 20}" in output
    assert "+======" in output and "|" in output
    assert output.isascii()

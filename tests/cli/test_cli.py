"""The command `sheer`: what it prints, what it keeps, and every error."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import cli
from sheer.cli import data, network
from sheer.cli.table import read_table, split
from sheer.optimizers.base import OPTIMIZERS

SRC = str(Path(sheer.__file__).parents[1])
SHEER_DATASETS = os.environ.get("SHEER_DATASETS", "")  # before any test takes it away
SMALL = ["--layers", "16,10", "--epochs", "2"]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """80 columns, an empty folder to stand in, and no data sets but those of a test."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("SHEER_DATASETS", raising=False)
    monkeypatch.delenv("SHEER_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command in this process: (status, stdout, stderr)."""

    def run(*words: Any) -> tuple[int, str, str]:
        status = cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """A quantity to predict, from numbers with gaps, text, and a column that only counts rows."""
    rng = np.random.default_rng(0)
    lines = ["id,area,rooms,town,price"]
    for i in range(120):
        area, town = rng.uniform(40, 240), ("Avon", "Bree")[i % 2]
        rooms = "" if i % 10 == 0 else int(area // 30)
        lines.append(f"{i},{area:.1f},{rooms},{town},{2000 * area + 90_000 * (i % 2):.0f}")
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """Classes to predict, named by text; twice as many lilies as roses."""
    rng = np.random.default_rng(0)
    lines = ["petal,stem,species"]
    for i in range(90):
        species = "rose" if i % 3 == 0 else "lily"
        x = rng.normal([2, 0] if species == "rose" else [0, 2], 0.5)
        lines.append(f"{x[0]:.3f},{x[1]:.3f},{species}")
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def options_of(*words: Any) -> Any:
    """What the words of a command line give."""
    return cli._parsers()[0].parse_args([str(word) for word in words])


def figures(out: str, name: str) -> tuple[float, float]:
    """The model's and the baseline's figure of this name."""
    found = re.search(rf"^  {re.escape(name)} +(\S+) +(\S+)$", out, re.M)
    assert found, out
    model, baseline = (float(text.replace(",", "")) for text in found.groups())
    return model, baseline


# Help


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["program", "-h"]])
def test_help(words: list[str], run: Any) -> None:
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "examples:" in out


def test_every_option_is_told_with_its_default() -> None:
    for name, parser in cli._parsers()[1].items():
        for action in parser._actions:
            assert action.help, (name, action.option_strings)
            needs_none = {"--help", "--save", "--write-program", "--plot", "--doctor", "--quiet"}
            needs_none |= {"--value", "--explain", "--explain-gradient"}
            needs_none |= {"--no-browser", "--export"}
            if action.option_strings and needs_none.isdisjoint(action.option_strings):
                assert "Default: " in action.help, (name, action.option_strings)


def test_the_examples_of_the_help_can_be_read() -> None:
    top, parsers = cli._parsers()
    lines = [
        line.split("   ")[0].split()
        for parser in (top, *parsers.values())
        for line in (parser.epilog or "").splitlines()
        if line.startswith("  sheer ")
    ]
    assert len(lines) > 10
    for line in lines:
        options = top.parse_args(line[1:])
        assert options.command == line[1]
        if "optimizer" in options:
            network.check(options)


def test_the_help_names_the_optimizers_that_there_are() -> None:
    action = cli._parsers()[1]["train"]._option_string_actions["--optimizer"]
    named = re.findall(r"\w+", str(action.help).split(". Default")[0])
    classes = {OPTIMIZERS.entries[name] for name in set(named) - {"or"}}
    assert classes == set(OPTIMIZERS.classes())


def test_version(run: Any) -> None:
    assert run("--version") == (0, f"sheer {sheer.__version__}\n", "")


def test_without_a_command_the_help_is_shown(run: Any) -> None:
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err == run("--help")[1]


def test_in_a_process_of_its_own() -> None:
    env = {**os.environ, "PYTHONPATH": SRC}
    command = [sys.executable, "-m", "sheer"]
    done = subprocess.run([*command, "--help"], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: sheer COMMAND [OPTIONS]\n")
    done = subprocess.run([*command, "train", "--epochs", "x"], env=env, capture_output=True)
    assert done.returncode == 2


def test_a_terminal_without_special_characters_and_a_closed_pipe() -> None:
    env = {**os.environ, "PYTHONPATH": SRC, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "sheer", "program"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "# dense: relu(x ? kernel + bias)" in done.stdout
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(command, env=env, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert process.communicate() == (None, b"")
    assert process.returncode == 1


# Training on images


def test_plot(run: Any) -> None:
    status, out, err = run("train", *SMALL, "--plot")
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    table, loss, accuracy, results = out.rsplit("\n\n", 3)
    assert table.splitlines()[-1].split()[0] == "2/2"
    assert loss.splitlines()[0].strip().split("   ") == [
        "○ loss, mean over the epoch",
        "● val_loss, at the end of the epoch",
    ]
    assert accuracy.splitlines()[0].strip().split("   ") == [
        "○ accuracy, over the epoch",
        "● val_accuracy, at the end of the epoch",
    ]
    for panel in (loss, accuracy):
        assert panel.splitlines()[-1].split() == ["epoch", "0", "1", "2"]
        assert panel.count("○") == panel.count("●") == 3  # two points, and the legend
    assert results.startswith("On the 360 images held out:")
    # Alone.
    assert run("train", *SMALL, "--plot", "--quiet") == (
        0,
        "\n\n".join([loss, accuracy, results.rpartition("To read")[0]]),
        "",
    )


def test_plot_of_a_quantity_in_a_narrow_terminal(
    run: Any, houses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    status, out, err = run("train", "--data", houses, "--epochs", 3, "--plot", "--quiet")
    assert (status, err) == (0, "")
    drawing = out.split("\n\n")[0]
    assert max(map(len, drawing.splitlines())) <= 40
    assert drawing.startswith("○ loss, mean over the epoch\n● val_loss, at the end of the epoch\n")


def test_plot_of_a_training_that_diverged(run: Any) -> None:
    words = ["--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", 3, "--plot", "--quiet"]
    status, out, err = run("train", *words)
    assert status == 1 and "The training diverged in epoch 1" in err
    assert "loss has gaps: NaN in epoch 1.\n" in out


def test_doctor(run: Any) -> None:
    status, out, err = run("train", *SMALL, "--doctor")
    assert (status, err) == (0, "")
    *_, found, results = out.split("\n\n")
    assert found == "The doctor looked at 3 of 24 steps and found nothing."
    assert results.startswith("On the 360 images held out:")
    assert run("train", *SMALL, "--doctor", "--quiet")[1].startswith(
        f"{found}\n\nOn the 360 images"
    )


def test_doctor_of_a_training_that_diverged(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", 3, "--doctor", "--quiet"]
    status, out, err = run("train", *words)
    assert status == 1 and "The training diverged in epoch 1" in err
    # A path has no place to break.
    assert max(len(line) for line in out.splitlines() if str(tmp_path) not in line) <= 80
    assert out.startswith("The first value that is not finite: ")
    assert "They have grown: try a smaller learning rate" in " ".join(out.split())
    assert sheer.inspect.RecordedStep.load("not_finite.step").place["epoch"] == 0


def test_digits(run: Any, digits: Any) -> None:
    status, out, err = run("train", *SMALL)
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert out.startswith(
        "digits: 1,797 handwritten digits of 8 x 8 pixels, which come with sheer.\n"
        "1,437 to train with; held out: the last 360, nearly all by other writers.\n"
        "Each image is a row of 64 numbers from 0 to 1: its pixels, divided by 16.\n"
        '\nModel: "sequential"\n'
    )
    assert "Training: 2 epochs of 12 updates, 128 rows each; rmsprop, seed 0. The loss" in out
    # The same in Python.
    sheer.utils.set_random_seed(0)
    model = sheer.Sequential(
        [
            sheer.Input((64,)),
            sheer.layers.Dense(16, activation="relu"),
            sheer.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), held_out = digits
    history = model.fit(
        x, y.astype("int64"), batch_size=128, epochs=2, verbose=0, validation_data=held_out
    ).history
    for epoch in range(2):
        expected = [history[name][epoch] for name in ("loss", "accuracy", "val_loss")]
        row = next(line for line in out.splitlines() if line.split()[:1] == [f"{epoch + 1}/2"])
        np.testing.assert_allclose([float(v) for v in row.split()[1:4]], expected, atol=1e-4)
    assert figures(out, "accuracy") == (round(history["val_accuracy"][1], 4), 0.1)
    assert figures(out, "loss")[0] == pytest.approx(history["val_loss"][1], abs=1e-4)
    assert figures(out, "loss")[1] == pytest.approx(np.log(10), abs=1e-3)
    assert out.endswith("To read the program that ran: sheer program --layers 16,10\n")


def test_by_default_digits_are_learnt_well(run: Any) -> None:
    status, out, _ = run("train", "--layers", "64,10", "--optimizer", "adam", "--quiet")
    assert status == 0
    assert figures(out, "accuracy")[0] > 0.88
    assert [line.split()[0] for line in out.splitlines()] == [
        "On",
        "accuracy",
        "loss",
        "(The",
        "loss",
    ]


def test_the_same_seed_gives_the_same_figures(run: Any) -> None:
    first, again, other = (run("train", *SMALL, "--quiet", "--seed", s)[1] for s in (1, 1, 2))
    assert first == again != other


def test_options_reach_the_training(run: Any) -> None:
    out = run("train", *SMALL, "--batch-size", "500", "--held-out", "0.5", "--optimizer", "sgd")[1]
    assert "Training: 2 epochs of 2 updates, 500 rows each; sgd, seed 0." in out
    assert "898 to train with; held out: the last 899" in out
    options = options_of("train", "--optimizer", "sgd", "--learning-rate", "0.25",
                         "--activation", "tanh", "--layers", "5,4,10")  # fmt: skip
    model = network.build(options, data.form(options)[0])
    assert model.optimizer.name == "sgd"
    assert float(model.optimizer.learning_rate.numpy()) == 0.25
    assert [layer.activation.__name__ for layer in model.layers] == ["tanh", "tanh", "softmax"]
    assert [layer.units for layer in model.layers] == [5, 4, 10]


def test_default_sizes() -> None:
    options = options_of("train")
    assert network._sizes(options, data.form(options)[0]) == (512, 10)
    assert network._sizes(options, data.Form(7, ("a", "b", "c"))) == (64, 3)
    assert network._sizes(options, data.Form(7, None)) == (64, 1)
    assert network.batch_size(options, data.Form(7, None)) == 32
    # 5 epochs, more for small data: as many as make 500 updates, up to 200.
    assert [network.epochs(options, n) for n in (1, 3, 12, 100, 469)] == [200, 167, 42, 5, 5]


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file like MNIST's, of 30 and 20 images in which each digit is a bright line."""
    arrays = {}
    for part, count in (("train", 30), ("test", 20)):
        labels = np.arange(count, dtype="uint8") % 10
        images = np.zeros((count, 28, 28), "uint8")
        images[np.arange(count), labels] = 255
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
    folder = tmp_path / "sets"
    folder.mkdir()
    np.savez(folder / "mnist.npz", **arrays)
    monkeypatch.setenv("SHEER_DATASETS", str(folder))
    return folder / "mnist.npz"


def test_mnist_says_where_it_was_found(small_mnist: Path, run: Any) -> None:
    status, out, err = run("train", "--data", "mnist", "--layers", "32,10")
    assert (status, err) == (0, "")
    said = " ".join(out.split("\n\n")[0].split())
    assert said == (
        f"MNIST: 50 handwritten digits of 28 x 28 pixels, from {small_mnist}. 30 to train with; "
        "held out: its 20 test images. Each image is a row of 784 numbers from 0 to 1: its pixels, "
        "divided by 255."
    )
    assert figures(out, "accuracy") == (1.0, 0.1)


def test_real_mnist(mnist: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHEER_DATASETS", SHEER_DATASETS)
    status, out, _ = run("train", "--data", "mnist", "--layers", "32,10", "--epochs", "1")
    assert status == 0
    assert "MNIST: 70,000 handwritten digits of 28 x 28 pixels" in out
    assert "1 epoch of 469 updates" in out
    assert figures(out, "accuracy")[0] > 0.9
    assert figures(out, "accuracy")[1] == 0.1135


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_offline(name: str, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any, **__: Any) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr(f"sheer.datasets.{name}.SOURCE", _without_package(name))
    status, out, err = run("train", "--data", name)
    assert (status, out) == (1, "")
    assert err.startswith(f"sheer train: error: {name}.load_data: ")
    assert "Name or service not known" in err
    assert "\nWays out:\n- give its place: " in err
    assert err.endswith("\nHere: --data digits, which comes with sheer.\n")
    assert "Traceback" not in err


def _without_package(name: str) -> Any:
    """The source of a data set without Debian's package, which may be on this machine."""
    from dataclasses import replace
    from importlib import import_module

    return replace(import_module(f"sheer.datasets.{name}").SOURCE, package_folder="/nowhere")


# Training on CSV files


def test_a_quantity(houses: Path, run: Any) -> None:
    status, out, err = run(
        "train", "--data", houses.name, "--epochs", "40", "--save", "h.safetensors"
    )
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    said = out.split("\n\n")[0]
    assert said == (
        "houses.csv: 120 rows and 5 columns.\n"
        "No --target given: it is the last column.\n"
        "Target 'price': regression, for it holds 120 different whole numbers. The rule:\n"
        "  text, or at most 20 different whole numbers with 5 rows or more each on\n"
        "  average, are classes; other numbers are a quantity.\n"
        "'id': dropped, whole numbers that only go up: an id.\n"
        "'area': used as a number.\n"
        "'rooms': used as a number; 12 empty cells filled with the training rows' median.\n"
        "'town': one-hot encoded, 2 different values: Avon, Bree.\n"
        "96 rows to train with, 24 to test with, drawn at random (seed 0).\n"
        "For training each column of numbers is standardized: minus its mean, divided by\n"
        "  its standard deviation, both of the rows to train with."
    )
    # The figures once more, from the file that was saved and the CSV file.
    model = sheer.models.load_model("h.safetensors")
    how = json.loads(sheer.saving.read("h.safetensors")[1]["sheer.data"])
    assert how["features"] == ["area", "rooms", "town=Avon", "town=Bree"]
    table = read_table(houses, "price")
    train, test = split(table, 0.2, 0)
    x = np.where(np.isnan(table.x), how["fill"], table.x)
    rows = ((x - how["mean"]) / how["scale"]).astype("float32")
    price = model.predict(rows, verbose=0)[:, 0] * how["target_scale"] + how["target_mean"]
    error = np.abs(price - table.y)[test].mean()
    guess = np.abs(table.y[train].mean() - table.y)[test].mean()
    model_figure, baseline = figures(out, "mean absolute error of 'price'")
    assert model_figure == pytest.approx(error, rel=1e-3)
    assert baseline == pytest.approx(guess, rel=1e-3)
    assert error < guess / 3
    assert f"(The baseline is always to say {table.y[train].mean():,.0f}, the mean of the" in out
    loss = np.square((price - table.y)[test] / how["target_scale"]).mean()
    assert figures(out, "loss")[0] == pytest.approx(loss, rel=1e-2)


def test_classes(flowers: Path, run: Any) -> None:
    status, out, err = run("train", "--data", flowers, "--target", "species", "--save", "f")
    assert (status, err) == (0, "")
    assert "No --target" not in out
    assert "2 classes: lily, rose." in out
    accuracy, baseline = figures(out, "accuracy")
    assert accuracy > 0.9
    assert baseline == pytest.approx(12 / 18, abs=1e-4)
    share = np.array([2 / 3, 1 / 3])
    assert figures(out, "loss")[1] == pytest.approx(-(share * np.log(share)).sum(), abs=1e-3)
    assert "(The baseline is always to say 'lily', the most frequent class" in out
    how = json.loads(sheer.saving.read("f")[1]["sheer.data"])
    assert how["classes"] == ["lily", "rose"]
    assert (
        out.endswith(
            f"To read the program that ran: sheer program --data {flowers} --target species\n"
        )
        or "To read the program that ran: sheer program" in out
    )


def test_the_target_by_its_place_and_the_task(flowers: Path, run: Any) -> None:
    out = run("train", "--data", flowers, "--target", "-3", "--epochs", "1")[1]
    assert "Target 'petal': regression" in out
    out = run("train", "--data", flowers, "--task", "classification", "--epochs", "1")[1]
    assert "Target 'species': classification, as asked for." in out


def test_many_columns_are_told_in_one_line(tmp_path: Path, run: Any) -> None:
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(30)]
    lines = [",".join([*names, "y"])]
    lines += [",".join([*map(str, rng.normal(size=30)), str(i % 2)]) for i in range(40)]
    (tmp_path / "wide.csv").write_text("\n".join(lines))
    out = run("train", "--data", "wide.csv", "--epochs", "1")[1]
    assert "30 columns used as numbers: 's0', 's1', 's2', 's3', 's4', ... 's29'." in out
    assert "'s7'" not in out


# What is kept


def test_the_saved_model_of_the_help(run: Any) -> None:
    _, out, _ = run("train", *SMALL, "--save", "digits.safetensors")
    assert "Saved the model in digits.safetensors (7 KB).\n" in out
    epilogue = cli.train.EPILOGUE
    code = epilogue.split("third example:\n")[1].split("\nFor a model")[0]
    code = "\n".join(line.removeprefix("  ") for line in code.splitlines())
    *lines, last = code.splitlines()
    space: dict[str, Any] = {}
    exec("\n".join(lines), space)
    predicted = eval(last.replace("predict(", "predict(verbose=0, x="), space)
    accuracy = float((predicted == space["labels"]).mean())
    assert figures(out, "accuracy")[0] == round(accuracy, 4)


def test_the_script(run: Any, tmp_path: Path) -> None:
    status, out, _ = run("train", *SMALL, "--write-program", "job.py")
    assert status == 0
    assert "Wrote this training as a script, with its data beside it. Run: python job.py\n" in out
    done = subprocess.run([sys.executable, "job.py"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    said = re.search(r"^Evaluation - accuracy: (\S+) - loss: (\S+)$", done.stdout, re.M)
    assert said, done.stdout
    accuracy, loss = figures(out, "accuracy")[0], figures(out, "loss")[0]
    np.testing.assert_allclose([float(v) for v in said.groups()], [accuracy, loss], atol=1e-4)


def test_quiet_prints_the_figures_only(run: Any) -> None:
    status, out, err = run("train", *SMALL, "--quiet", "--save", "m", "--write-program", "m.py")
    assert (status, err) == (0, "")
    assert re.fullmatch(
        r"On the 360 images held out: +model +baseline\n"
        r"  accuracy +\S+ +0\.1000\n"
        r"  loss +\S+ +2\.302\d\n"
        r"\(The baseline is always to say '1', the most frequent class in training; its\n"
        r"  loss is that of the classes' frequencies\.\)\n",
        out,
    )
    assert {"m", "m.py", "m.npz"} <= set(os.listdir())


# The program


@pytest.mark.parametrize("kind", ["train", "test", "predict"])
def test_the_program_is_what_runs(kind: str, run: Any, houses: Path, flowers: Path) -> None:
    for words in (["--layers", "8,10"], ["--data", houses], ["--data", flowers]):
        status, out, _ = run("program", *words, "--kind", kind)
        assert status == 0
        options = options_of("train", *words)
        job = data.load(options)
        model = network.build(options, job.form)
        held_out = (job.x_test, job.y_test)
        model.fit(job.x_train, job.y_train, verbose=0, validation_data=held_out)
        model.predict(job.x_test, verbose=0)
        assert out == str(getattr(model, f"{kind}_program")())


def test_the_program_for_a_table_says_what_the_target_is(flowers: Path, run: Any) -> None:
    _, out, err = run("program", "--data", flowers)
    assert out.startswith("import numpy as np\n")
    assert err.startswith(
        "No --target given: it is the last column.\nTarget 'species': classification, for it holds"
    )


def test_the_program_for_mnist_needs_no_data(run: Any) -> None:
    status, out, err = run("program", "--data", "mnist")
    assert (status, err) == (0, "")
    assert "x (n, 784) float32, y (n,) int64" in out


def test_the_program_in_a_file(run: Any) -> None:
    text = run("program", "--layers", "4,10", "--optimizer", "sgd")[1]
    done = run("program", "--layers", "4,10", "--optimizer", "sgd", "--output", "step.py")
    assert done == (0, "", "Wrote step.py.\n")
    assert Path("step.py").read_text(encoding="utf-8") == text
    assert sheer.Program.load("step.py").name == "train_step"


def test_a_command_line_of_train_will_do(run: Any) -> None:
    text = run("program")[1]
    words = ["--epochs", "3", "--seed", "4", "--batch-size", "7", "--learning-rate", "0.1"]
    assert run("program", *words)[1] == text


# Progress


def table_of(out: str) -> list[str]:
    return [line for line in out.splitlines() if re.match(r"\s+\d+/\d+ ", line)]


def test_of_many_epochs_some_are_shown(run: Any) -> None:
    out = run("train", "--layers", "10", "--epochs", "50", "--batch-size", "2000")[1]
    shown = [line.split()[0] for line in table_of(out)]
    assert shown == ["1/50", *(f"{i}/50" for i in range(3, 51, 3)), "50/50"]


def test_in_a_terminal_the_line_moves(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sheer.cli.progress.INTERVAL", 0)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    out = run("train", *SMALL)[1]
    # In a file: carriage return, the line so far, and the code that clears the rest.
    assert re.search(r"\r {6}1/2  batch 1 of 12  loss \d\.\d{4}\x1b\[K\r", out)
    assert re.search(r"\r\x1b\[K {6}2/2 .* s\n", out)


def test_a_training_that_diverges_ends(run: Any) -> None:
    words = ["--optimizer", "sgd", "--learning-rate", "1e30", "--save", "never"]
    status, out, err = run("train", *words)
    assert status == 1
    assert len(table_of(out)) == 1
    assert " ".join(err.split()) == (
        "sheer train: error: The training diverged in epoch 1: the loss is nan, and nan on the "
        "rows held out. Try a smaller --learning-rate than 1e+30."
    )
    assert not os.path.exists("never")


# Errors


ERRORS: list[tuple[list[str], int, str]] = [
    (["--data", "none.csv"], 1, "There is no file 'none.csv' (looked from {here})."),
    (
        ["--data", "mnits"],
        2,
        "--data mnits: there is no such data set, nor such a file. Did you mean 'mnist'?",
    ),
    (
        ["--data", "{houses}", "--target", "prize"],
        1,
        "houses.csv has no column 'prize'. Did you mean 'price'?",
    ),
    (
        ["--data", "{houses}", "--target", "town", "--task", "regression"],
        1,
        "The target 'town' is not a number in line 2: 'Avon'. Text can be learnt as classes: "
        "--task classification.",
    ),
    (["--data", "{here}"], 1, "{here}: Is a directory."),
    (
        ["--layers", "12,7"],
        2,
        "--layers 12,7: the last layer must have 10 units, one for each class. It has 7. Write "
        "--layers 12,10, or leave --layers out.",
    ),
    (
        ["--data", "{houses}", "--layers", "8,3"],
        2,
        "--layers 8,3: the last layer must have 1 unit, for a quantity. It has 3. Write --layers "
        "8,1, or leave --layers out.",
    ),
    (
        ["--optimizer", "adamm"],
        2,
        "--optimizer adamm: there is no such optimizer. Did you mean 'adam'?",
    ),
    (
        ["--activation", "rellu"],
        2,
        "--activation rellu: there is no such activation. Did you mean 'relu'?",
    ),
    (
        ["--target", "x"],
        2,
        "--target is for CSV files: digits has labels of its own. Leave it out.",
    ),
    (
        ["--task", "regression"],
        2,
        "--task regression is for CSV files: digits has 10 classes. Leave it out.",
    ),
    (
        ["--data", "mnist", "--held-out", "0.5"],
        2,
        "--held-out: mnist has 10,000 test images of its own. Leave it out.",
    ),
]


@pytest.mark.parametrize("command", ["train", "program"])
@pytest.mark.parametrize(("words", "status", "message"), ERRORS)
def test_errors(
    command: str, words: list[str], status: int, message: str, houses: Path, run: Any
) -> None:
    places = {"here": os.getcwd(), "houses": houses}
    found, _, err = run(command, *(word.format(**places) for word in words))
    expected = f"sheer {command}: error: {message.format(**places)}"
    assert (found, " ".join(err.split())) == (status, expected)


FILES: list[tuple[list[str], str]] = [
    (["--save", "no/x"], "--save no/x: there is no folder 'no'."),
    (["--save", "."], "--save . is a folder. Name a file in it."),
    (
        ["--save", "x.keras"],
        "--save x.keras: sheer does not write Keras's formats yet. Name a file that ends in "
        ".safetensors.",
    ),
    (["--write-program", "no/x.py"], "--write-program no/x.py: there is no folder 'no'."),
    (["--write-program", "x"], "--write-program x: the name must end in .py."),
]


@pytest.mark.parametrize(("words", "message"), FILES)
def test_where_results_cannot_be_written_is_found_out_first(
    words: list[str], message: str, run: Any
) -> None:
    status, out, err = run("train", *words)
    assert (status, out) == (2, "")
    assert " ".join(err.split()) == f"sheer train: error: {message}"


USAGE: list[tuple[list[str], str]] = [
    (
        ["--layers", "5,a"],
        "argument --layers: '5,a' is no list of units. Write whole numbers of 1 or more with "
        "commas between them, such as 512,10.",
    ),
    (
        ["--layers", "5,0"],
        "argument --layers: '5,0' is no list of units. Write whole numbers of 1 or more with "
        "commas between them, such as 512,10.",
    ),
    (["--epochs", "0"], "argument --epochs: '0' is no whole number of 1 or more."),
    (["--batch-size", "2.5"], "argument --batch-size: '2.5' is no whole number of 1 or more."),
    (["--seed", "-1"], "argument --seed: '-1' is no whole number from 0 to 4294967295."),
    (
        ["--seed", "4294967296"],
        "argument --seed: '4294967296' is no whole number from 0 to 4294967295.",
    ),
    (["--learning-rate", "0"], "argument --learning-rate: '0' is no number above 0."),
    (["--learning-rate", "inf"], "argument --learning-rate: 'inf' is no number above 0."),
    (["--learning-rate", "x"], "argument --learning-rate: 'x' is no number above 0."),
    (
        ["--held-out", "1"],
        "argument --held-out: '1' is no number between 0 and 1, such as 0.2.",
    ),
    (["--epoch", "5"], "unknown option '--epoch'. Did you mean '--epochs'?"),
    (["--epoch=5"], "unknown option '--epoch'. Did you mean '--epochs'?"),
    (["digits"], "unexpected 'digits'. Values follow an option, as in --data digits."),
    (["--save"], "argument --save: expected one argument"),
]


@pytest.mark.parametrize(("words", "message"), USAGE)
def test_usage(words: list[str], message: str, run: Any) -> None:
    status, out, err = run("train", *words)
    assert (status, out) == (2, "")
    assert err == f"usage: sheer train [OPTIONS]\nsheer train: error: {message}\n"


def test_no_such_command(run: Any) -> None:
    status, _, err = run("trian")
    assert status == 2
    assert err.startswith("usage: sheer COMMAND [OPTIONS]\nsheer: error: argument COMMAND: invalid")


def test_a_fault_of_sheer_and_an_interruption(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(_: Any) -> None:
        raise KeyError("oh")

    monkeypatch.setattr(data, "load", fault)
    status, _, err = run("train")
    assert status == 1
    assert " ".join(err.split()) == (
        "sheer train: error: KeyError: 'oh' This should not happen: it is a fault of sheer. With "
        "SHEER_DEBUG=1 in the environment the same command shows where; please report it."
    )

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "load", interrupt)
    assert run("train") == (130, "", "\nStopped.\n")


def test_debug_shows_the_traceback(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHEER_DEBUG", "1")
    with pytest.raises(FileNotFoundError, match=r"There is no file 'none.csv'"):
        run("train", "--data", "none.csv")

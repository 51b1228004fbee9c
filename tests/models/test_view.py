"""`model.view`, in a terminal and in a notebook."""

import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from sheer.callbacks import Callback, View
from small import classifier, data, equal
from watched import Page, step, unseen, until


def test_it_fits_in_a_page_and_returns_the_history():
    pytest.importorskip("uvicorn")
    view = View(paused=True, open_browser=False)
    model, (x, y) = classifier(), data(60)
    found = []
    fit = threading.Thread(
        target=lambda: found.append(model.view(x, y, view=view, epochs=2, verbose=0))
    )
    fit.start()
    until(view, "paused")
    assert Page(view.url).command("run") == (200, {})
    fit.join(20)
    view.close()
    assert found[0] is model.history and len(found[0].history["loss"]) == 2


def test_callbacks_of_the_user_are_called():
    seen = []

    class Seen(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(epoch)

    model, (x, y) = classifier(), data(60)
    model.view(x, y, view=unseen(), epochs=2, verbose=0, callbacks=Seen())
    model.view(x, y, view=unseen(), epochs=1, verbose=0, callbacks=[Seen()])
    assert seen == [0, 1, 0]


# --- in a notebook --------------------------------------------------------------------------------


@pytest.fixture
def notebook(monkeypatch):
    """A kernel, as far as `in_notebook` asks."""
    pytest.importorskip("anywidget")
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)


class Frontend:
    """What stands at a widget's other end: it asks, and keeps what it is sent."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.sent = widget, []
        monkeypatch.setattr(
            widget, "send", lambda content, buffers=None: self.sent.append((content, buffers))
        )

    def ask(self, name, /, **arguments):
        """The answer, and the buffers."""
        number = len(self.sent)
        self.widget._handle_custom_msg({"id": number, "name": name, "arguments": arguments}, [])
        return next((c, b) for c, b in self.sent if c.get("id") == number)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_widget_that_a_thread_feeds(notebook, monkeypatch):
    model, (x, y) = classifier(), data(60)
    view = View(paused=True, port=None)
    before = model.get_weights()
    widget = model.view(x, y, view=view, epochs=2, batch_size=20)
    until(view, "paused")
    assert equal(model.get_weights(), before)
    assert "export default { mount, render };" in widget._esm and widget._css
    front = Frontend(widget, monkeypatch)
    state = front.ask("state")[0]["answer"]
    assert state["status"]["state"] == "paused" and state["steps"][0]["id"]
    answer, buffers = front.ask("tensor", step=state["steps"][0]["id"], name="z1")
    assert answer["answer"] == {"shape": [20, 5], "dtype": "float32"}
    array = np.frombuffer(buffers[0], "<f4").reshape(20, 5)
    assert np.array_equal(array, view.session.tensor(state["steps"][0]["id"], "z1"))
    assert front.ask("next_batch")[0]["answer"] == {}
    assert until(view, "paused")["batch"] == 1
    patches = [c["patch"] for c, _ in front.sent if "patch" in c]
    assert patches[-1]["status"]["batch"] == 1
    for name, arguments, text in [
        ("tensor", {"step": 99, "name": "z1"}, "There is no recorded step 99 (any more)."),
        ("tensor", {"step": "1"}, "tensor: give the id of a step, and the name of a value."),
        ("fly", {}, "There is no command 'fly'."),
        ("predict", {"x": [1]}, "predict: x has 1 numbers, and a row has the shape (4,)."),
    ]:
        assert front.ask(name, **arguments)[0]["error"].startswith(text)
    front.ask("run")
    history = widget.training.wait(20)
    assert history is model.history and len(history.history["loss"]) == 2
    widget.close()
    assert not view.session._subscribers


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_the_training_raises_is_raised_by_wait(notebook):
    model, (x, y) = classifier(), data(60)

    class Fault(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise RuntimeError("a fault")

    widget = model.view(x, y, view=unseen(), callbacks=[Fault()])
    with pytest.raises(RuntimeError, match="a fault"):
        widget.training.wait(20)
    assert widget._session.state()["status"]["message"] == "RuntimeError: a fault"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wait_has_an_end(notebook):
    view = unseen(paused=True)
    model, (x, y) = classifier(), data(60)
    widget = model.view(x, y, view=view)
    with pytest.raises(TimeoutError, match=r"still runs, after 0\.05 seconds"):
        widget.training.wait(0.05)
    until(view, "paused")
    step(view, "run")
    widget.training.wait(20)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_second_view_beside_the_first(notebook):
    """As where a cell is run again while its first widget still waits."""
    view = unseen(paused=True)
    model, (x, y) = classifier(), data(60)
    widget = model.view(x, y, view=view)
    until(view, "paused")
    with pytest.raises(RuntimeError, match=r"^view: another thread .*model\.stop_training = True"):
        model.view(x, y, view=unseen(), verbose=0)
    model.stop_training = True
    widget.training.wait(20)
    model.view(x, y, view=unseen(), verbose=0).training.wait(20)


def test_without_anywidget_it_says_so(notebook, monkeypatch):
    from sheer.inspect.view import widget

    monkeypatch.setitem(sys.modules, "anywidget", None)
    widget._widget_class.cache_clear()
    with pytest.raises(ImportError) as error:
        classifier().view(*data(20))
    assert str(error.value) == (
        'The page in a notebook needs the package anywidget: pip install "sheer[view]".'
    )

"""The page in a real browser: from its server, from a file, and as a notebook's widget."""

import pytest

import sheer
from sheer import layers
from sheer.inspect.view import assets
from small import classifier, data
from watched import Fit, paused, rivals, two_by_two, unseen


@pytest.fixture
def tab(browser):
    """A page in which nothing may go wrong: no error, no refusal, nothing from elsewhere."""
    tab = browser.new_page(viewport={"width": 1300, "height": 900})
    tab.wrong = []
    tab.on("pageerror", lambda error: tab.wrong.append(str(error)))
    tab.on("console", lambda m: tab.wrong.append(m.text) if m.type in ("error", "warning") else 0)
    tab.on("requestfailed", lambda request: tab.wrong.append(f"failed: {request.url}"))
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    yield tab
    tab.close()
    assert tab.wrong == []


def shows(tab, text):
    tab.get_by_text(text).filter(visible=True).first.wait_for(timeout=10_000)


def leave(tab):
    """Go away before the server does; what was under way then fails."""
    before = list(tab.wrong)
    tab.goto("about:blank")
    tab.wrong[:] = [text for text in before if "/api/" not in text]


def test_a_live_page_steps_through_the_training(tab, browser):
    with Fit(paused()) as fit:
        tab.goto(fit.view.url)
        shows(tab, "z1 = x @ dense.kernel + dense.bias")
        shows(tab, "paused")
        other = browser.new_page()
        other.goto(fit.view.url)
        shows(other, "paused")
        for number in range(1, 4):
            tab.get_by_role("button", name="Next batch").click()
            for page in (tab, other):
                shows(page, f"{number} of 10 batches")
        other.close()
        assert fit.view.session.state()["status"]["batch"] == 3
        assert all(url.startswith(fit.view.url.split("/?")[0]) for url in tab.asked)
        tab.get_by_role("button", name="Run", exact=True).click()
        shows(tab, "done")
        leave(tab)


def test_a_reload_shows_the_same(tab):
    with Fit(paused()) as fit:
        tab.goto(fit.view.url)
        fit.step("next_batch")
        shows(tab, "1 of 10 batches")
        tab.reload()
        shows(tab, "1 of 10 batches")
        leave(tab)


def test_a_file_is_whole(tab, tmp_path):
    view = unseen(every=3, export=tmp_path / "view.html")
    x, y = data(200)
    classifier().fit(x, y, epochs=2, batch_size=20, verbose=0, callbacks=[view])
    tab.goto(f"file://{tmp_path}/view.html")
    shows(tab, "z1 = x @ dense.kernel + dense.bias")
    shows(tab, "exported")
    assert tab.get_by_role("button", name="Next batch").is_disabled()
    tab.wait_for_timeout(500)
    assert [url for url in tab.asked if not url.startswith(("file:", "blob:", "data:"))] == []


@pytest.mark.parametrize("name", ["__proto__", "constructor", "a\n\u202e\ud800", "x" * 3000])
def test_a_file_of_any_names(tab, tmp_path, name):
    view = unseen(every=1, export=tmp_path / "view.html", classes=[name, name, "c"])
    x, y = data(60)
    model = sheer.Sequential([layers.Dense(5, "relu", name=name), layers.Dense(3, "softmax")], name)
    right = sheer.metrics.SparseCategoricalAccuracy(name=f"{name} right")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[right])
    model.fit(x, y, batch_size=20, verbose=0, callbacks=[view])
    tab.goto(f"file://{tmp_path}/view.html")
    shows(tab, "def train_step(")
    tab.wait_for_timeout(500)
    if len(name) < 100:
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("make", [two_by_two, rivals])
def test_a_file_of_any_model(tab, tmp_path, make):
    view = unseen(every=1, export=tmp_path / "view.html")
    model, x, y = make()
    model.fit(x, y, batch_size=32, verbose=0, callbacks=[view])
    tab.goto(f"file://{tmp_path}/view.html")
    shows(tab, "def train_step(")
    tab.wait_for_timeout(500)


EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def test_what_the_data_say_is_text_and_never_runs(tab, tmp_path):
    path = tmp_path / "view.html"
    view = unseen(every=3, export=path, classes=[EVIL, "</script>" + EVIL, "c"])
    x, y = data(60)
    model = classifier()
    model.name = EVIL
    model.fit(x, y, batch_size=20, verbose=0, callbacks=[view])
    tab.goto(f"file://{path}")
    shows(tab, "z1 = x @ dense.kernel + dense.bias")
    tab.wait_for_timeout(300)
    assert tab.evaluate("window.hacked") is None


# A kernel's end of the connection, as far as the widget asks: the state, and no arrays.
WIDGET = """
async ([source, state]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const view = (await import(url)).default;
  const heard = [];
  const model = {
    on: (name, callback) => heard.push(callback),
    off: () => {},
    send({ id, name }) {
      const answer = name === "state" ? { id, answer: state } : { id, error: "none here" };
      queueMicrotask(() => heard.forEach((callback) => callback(answer, [])));
    },
  };
  view.render({ model, el: document.body.appendChild(document.createElement("div")) });
}
"""


def test_a_widget_is_the_same_page(tab):
    view = unseen(every=3)
    x, y = data(60)
    classifier().fit(x, y, batch_size=20, verbose=0, callbacks=[view])
    from sheer.inspect.view.plain import plain

    tab.evaluate(WIDGET, [assets.module(), plain(view.session.state())])
    shows(tab, "z1 = x @ dense.kernel + dense.bias")
    assert tab.get_by_role("button", name="Next batch").is_visible()

"""The page as people use it: headless Chromium opens a real training, steps, asks, draws."""

import contextlib
import os
import re
import subprocess
import sys
import time

import pytest

import sheer
from sheer import layers
from sheer.callbacks import View
from watched import Fit, two_by_two

PHONE = {"width": 375, "height": 812}
DESK = {"width": 1440, "height": 1000}


class Page:
    """A page in the browser, and what went wrong in it."""

    def __init__(self, browser, url, **options):
        self.context = browser.new_context(**{"viewport": DESK, **options})
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.faults.append(m.text))
        self.page.goto(url)
        self.page.wait_for_selector("h1")

    def __getattr__(self, name):
        return getattr(self.page, name)

    def text(self, selector):
        return self.page.locator(selector).first.inner_text()

    def at(self, source):
        """Wait until this is the current line of the program."""
        self.wait(f"{ROW}.includes({source!r})")

    def panel(self, name):
        """A panel, in sight: it fetches its arrays only there."""
        panel = self.page.locator(f"#sheer-{name}")
        panel.evaluate("element => element.scrollIntoView()")
        self.page.wait_for_timeout(300)
        panel.evaluate("element => element.scrollIntoView()")
        return panel

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def wait(self, condition):
        """Wait until a condition holds in the page, whose rules forbid Playwright's own way."""
        end = time.monotonic() + 30
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"{condition}\n{self.text('body')[:2000]}"
            self.page.wait_for_timeout(20)

    def fits(self):
        """Whether nothing but boxes of its own scrolls sideways."""
        return self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@contextlib.contextmanager
def opened(browser, url, **options):
    page = Page(browser, url, **options)
    try:
        yield page
        assert page.faults == []
    finally:
        page.context.close()


@pytest.fixture
def mnist_page(mnist, browser):
    """`sheer view --data mnist`, in a process of its own, and its page in the browser."""
    command = [sys.executable, "-m", "sheer", "view", "--data", "mnist", "--no-browser"]
    with subprocess.Popen(
        [*command, "--epochs", "3"], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        try:
            url = next(m[0] for line in process.stdout if (m := re.search(r"http://\S+", line)))
            with opened(browser, url) as page:
                yield page
        finally:
            process.terminate()
            process.stdout.read()


ROW = "(document.querySelector('main [aria-current]')?.innerText ?? '')"
STEP = "document.querySelector('.step-place').innerText"
CELL = "document.querySelector('#sheer-lens .cell-value').innerText"
VOICE = "document.querySelector('[role=status][aria-live]').innerText"
STATUS = "document.querySelector('.status').innerText"
STATE = "document.querySelector('.status .state').innerText"


def test_a_real_training_on_mnist(mnist_page):
    page = mnist_page
    page.wait(f"{STEP}.includes('step 0 ')")  # the one to come
    page.press("b")
    page.wait(f"{STEP}.includes('step 1 ')")
    # Forward and back, line by line and phase by phase, by keyboard.
    page.at("z1 = x @ dense.kernel + dense.bias")
    page.press("ArrowDown")
    page.at("h1 = np.maximum(z1, 0)")
    page.press("ArrowUp")
    page.at("z1 = x @ dense.kernel + dense.bias")
    page.press("p")
    page.at("losses = ")
    page.press("p")
    page.at("d_z2 = ")
    # A recorded step back and forward.
    page.press("[")
    page.wait(f"{STEP}.includes('step 0 ')")
    page.press("]")
    page.wait(f"{STEP}.includes('step 1 ')")
    # An epoch, then until a row of the data is predicted wrong.
    page.press("e")
    page.wait("/epoch 2/i.test(document.querySelector('header').innerText)")
    page.wait("/paused/i.test(document.querySelector('header').innerText)")
    # Draw a seven: across, and down; the model says so.
    pad = page.panel("draw").locator("canvas").first
    box = pad.bounding_box()

    def point(x, y):
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.move(*point(0.25, 0.22))
    page.mouse.down()
    for x, y in [(0.5, 0.21), (0.75, 0.22), (0.65, 0.4), (0.55, 0.6), (0.47, 0.82)]:
        page.mouse.move(*point(x, y), steps=8)
    page.mouse.up()
    shares = {}
    end = time.monotonic() + 20
    while max(shares, key=shares.get, default=None) != "7":
        assert time.monotonic() < end, shares
        page.wait_for_timeout(100)
        lines = page.locator("#sheer-draw .try-outputs").inner_text().splitlines()[1:]
        shares = dict(
            zip(lines[::2], (float(v.replace("−", "-")) for v in lines[1::2]), strict=False)
        )
    assert shares.keys() == set("0123456789") and sum(shares.values()) == pytest.approx(1, abs=0.05)


def small_training(digits):
    """A model on digits with a View that waits for its page."""
    (x, y), _ = digits
    model = sheer.Sequential([layers.Dense(16, activation="relu"), layers.Dense(10, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    view = View(paused=True, open_browser=False)
    return view, Fit(view, model, x, y, epochs=50)


def test_the_sum_behind_a_cell(digits, browser):
    view, fit = small_training(digits)
    with fit, opened(browser, view.url) as page:
        page.press("b")
        page.wait(f"{STEP}.includes('step 1 ')")
        step = view.session.state()["steps"][-1]
        lens = page.panel("lens")
        page.wait("/Added up here/.test(document.querySelector('#sheer-lens').innerText)")
        name, index, shown = re.search(
            r"(\w+)\[([\d, ]+)\] = ([-−\d.e]+)", lens.locator(".cell-value").inner_text()
        ).groups()
        row, unit = map(int, index.split(","))
        assert name == "z1"
        arrays = {
            k: view.session.tensor(step["id"], k) for k in ("x", "dense.kernel", "dense.bias")
        }
        by_hand = (
            arrays["x"][row].astype("float64") @ arrays["dense.kernel"][:, unit].astype("float64")
            + arrays["dense.bias"][unit]
        )
        assert float(shown.replace("−", "-")) == pytest.approx(by_hand, rel=1e-3)
        check = lens.locator(".check-line").inner_text().replace("−", "-")
        added, kept = re.findall(r": (-?[\d.]+(?:e-?\d+)?)", check)[:2]
        assert float(added) == pytest.approx(by_hand, rel=1e-6)
        assert float(kept) == pytest.approx(by_hand, rel=1e-5)
        # Another cell by keyboard has another sum.
        lens.locator("canvas").first.focus()
        page.press("ArrowRight")
        page.wait(
            f"!document.querySelector('#sheer-lens .cell-value').innerText.includes('[{index}]')"
        )


def test_what_if_and_run_until(digits, browser):
    view, fit = small_training(digits)
    with fit, opened(browser, view.url) as page:
        page.press("b")
        page.wait(f"!/no step/.test({STEP})")
        panel = page.panel("whatif")
        before = [w.copy() for w in fit.model.get_weights()]
        panel.get_by_label("Learning rate", exact=True).fill("0.5")
        panel.get_by_label("Batches").fill("30")
        panel.get_by_role("button", name="Compare").click()
        page.wait("/Use 0.5 from here on/.test(document.querySelector('#sheer-whatif').innerText)")
        compared = view.session.state()["whatif"]
        assert compared["other"]["learning_rate"] == 0.5
        assert compared["now"]["loss"][0] == compared["other"]["loss"][0]
        assert compared["other"]["loss"][-1] < compared["now"]["loss"][-1]
        assert all((a == b).all() for a, b in zip(before, fit.model.get_weights(), strict=True))
        panel.get_by_role("button", name="Use 0.5").click()
        page.wait(
            "/is 0.5 from the next batch/.test(document.querySelector('#sheer-whatif').innerText)"
        )
        # On, until row 7 of the data is predicted right.
        form = page.locator(".until-form")
        form.get_by_label("Run until").select_option("right")
        form.get_by_label("row").fill("7")
        form.get_by_role("button").click()
        page.wait(f"/paused/.test({STATE}) && /row is right/.test({STATUS})")
        assert fit.model.predict(fit.x[7:8], verbose=0).argmax() == fit.y[7]
        assert float(fit.model.optimizer.learning_rate.numpy()) == pytest.approx(0.5)


def test_samples_and_their_confusion(digits, browser):
    view, fit = small_training(digits)
    with fit, opened(browser, view.url) as page:
        page.press("e")
        page.wait(f"!/no step/.test({STEP}) && /paused/.test({STATE})")
        panel = page.panel("samples")
        page.wait("document.querySelector('#sheer-samples [data-cell]') !== null")
        losses = [float(v) for v in re.findall(r"loss ([\d.]+)", panel.inner_text())]
        assert len(losses) > 3 and losses == sorted(losses, reverse=True)
        cell = panel.locator("td.mistake [data-cell]").first
        label, predicted = cell.get_attribute("data-cell").split("-")
        count = int(cell.inner_text())
        cell.click()
        page.wait("document.querySelector('#sheer-samples [aria-pressed=true]') !== null")
        said = re.findall(r"predicted (\d) \(", panel.inner_text())
        assert said == [predicted] * count and label != predicted


def test_two_inputs_and_two_outputs(browser):
    model, x, y = two_by_two()
    view = View(paused=True, open_browser=False)
    with Fit(view, model, x, y), opened(browser, view.url) as page:
        page.press("b")
        page.wait(f"!/no step/.test({STEP})")
        flow = page.text("section:has(.flow), .flow")
        for word in ("words", "price", "kind", "rating"):
            assert word in flow
        page.panel("samples").wait_for()
        assert page.fits()


def test_the_exported_file_needs_no_network(digits, browser, tmp_path):
    (x, y), _ = digits
    model = sheer.Sequential([layers.Dense(16, activation="relu"), layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    path = tmp_path / "digits.html"
    view = View(port=None, export=path, every=20)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[view])
    asked = []
    with opened(browser, path.as_uri(), offline=True) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.at("z1 = ")
        page.press("ArrowDown", "ArrowDown")
        page.at("z2 = ")
        page.press("[")
        page.wait("/Added up here/.test(document.querySelector('#sheer-lens').innerText)")
        assert page.locator("button.nextBatch").is_disabled()
        # It predicts by itself, with the weights in the file.
        page.panel("draw").get_by_role("button", name="Take sample").click()
        page.wait("document.querySelectorAll('#sheer-draw .try-outputs *').length > 10")
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone(digits, browser, scheme):
    view, fit = small_training(digits)
    with (
        fit,
        opened(browser, view.url, viewport=PHONE, color_scheme=scheme, has_touch=True) as page,
    ):
        assert page.fits()
        page.locator("button.more").tap()
        page.locator("button.nextBatch").tap()
        page.wait(f"!/no step/.test({STEP})")
        assert page.fits()
        paper = page.evaluate("getComputedStyle(document.querySelector('.sheer')).backgroundColor")
        is_light = sum(map(int, re.findall(r"\d+", paper)[:3])) > 3 * 127
        assert is_light == (scheme == "light"), paper


def test_a_screen_reader_finds_its_way(digits, browser):
    view, fit = small_training(digits)
    with fit, opened(browser, view.url) as page:
        page.press("b")
        page.wait(f"!/no step/.test({STEP})")
        nameless = page.evaluate(
            """[...document.querySelectorAll("button, input, select, canvas, a, [role=img]")]
            .filter((e) => e.checkVisibility() && !e.closest("[aria-hidden=true]"))
            .filter((e) => !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby")
                || e.textContent.trim() || e.labels?.length || e.title))
            .map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == []
        headings = page.locator("h1, h2").all_inner_texts()
        assert {"Program", "Samples", "Curves"} <= {h.split("\n")[0].strip("? ") for h in headings}
        assert page.locator("main").count() == page.locator("header.top").count() == 1
        assert page.locator("html[lang]").count() == 1
        page.press("ArrowDown")
        page.wait(f"/Line .*, forward/.test({VOICE})")

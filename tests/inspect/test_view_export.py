"""The page as a file: one that is whole, needs nothing, and lets nothing in."""

import base64
import gzip
import json
import re
import zlib

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.inspect.view import assets
from sheer.inspect.view.export import embedded, page_of, write_page
from small import classifier, data
from watched import two_by_two, unseen


@pytest.fixture
def view():
    view = unseen(every=4)
    x, y = data(200)
    classifier().fit(x, y, epochs=2, batch_size=20, verbose=0, callbacks=[view])
    return view


def data_in(html):
    """What a page embeds."""
    found = re.search(r'<script type="application/json" id="sheer-data">(.*?)</script>', html, re.S)
    return json.loads(found[1])


def array_of(entry):
    raw = zlib.decompress(base64.b64decode(entry["data"]))
    return np.frombuffer(raw, np.dtype(entry["dtype"]).newbyteorder("<")).reshape(entry["shape"])


def test_a_file_holds_the_state_and_every_array(view, tmp_path):
    view.export(tmp_path / "view.html")
    found = data_in((tmp_path / "view.html").read_text("utf-8"))
    state = found["state"]
    assert [s["step"] for s in state["steps"]] == [0, 4, 8, 12, 16, 19]
    assert state["left_out"] == {"arrays": 0, "names": [], "megabytes": 12}
    for summary in state["steps"]:
        kept = found["tensors"][str(summary["id"])]
        assert list(kept) == summary["tensors"]
        for name, entry in kept.items():
            assert np.array_equal(array_of(entry), view.session.tensor(summary["id"], name))


def test_it_needs_no_server_and_no_network(view):
    html = page_of(embedded(view.session))
    outside = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.S)
    assert not re.search(r'(src|href|action)="(?!data:)', outside), outside
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy and "connect-src" not in policy and "http" not in policy
    # Nothing but what these hashes name can run.
    import hashlib

    for tag, kind in (('<script type="module">', "script"), ("<style>", "style")):
        text = html.split(tag, 1)[1].split(f"</{kind}>", 1)[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert html.count("<script") == 2 and html.count("</script>") == 2
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_no_tag_gets_out_of_the_data():
    name = "</script><script>alert(1)</script><!--"
    view = unseen(every=1, classes=[name, "b & c", "d"])
    x, y = data(20)
    classifier().fit(x, y, batch_size=20, verbose=0, callbacks=[view])
    html = page_of(embedded(view.session))
    assert html.count("</script>") == 2 and "alert(1)</script>" not in html and "<!--" not in html
    assert data_in(html)["state"]["data"]["classes"] == [name, "b & c", "d"]


def test_what_does_not_fit_is_left_out_and_named():
    view = unseen(every=1, keep=6)
    model = sheer.Sequential([layers.Dense(64, activation="relu"), layers.Dense(3)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(60, 50)).astype("float32")
    model.fit(x, x[:, :3], batch_size=10, epochs=1, verbose=0, callbacks=[view])
    whole = embedded(view.session)
    size = sum(len(e["data"]) for step in whole["tensors"].values() for e in step.values())
    numbers = [s["id"] for s in whole["state"]["steps"]]

    def kept(share):
        found = embedded(view.session, size * share / 1e6)
        got = sum(len(e["data"]) for step in found["tensors"].values() for e in step.values())
        assert size * share * 0.8 < got <= size * share
        assert found["state"]["left_out"]["arrays"] > 0
        for summary in found["state"]["steps"]:
            assert summary["tensors"] == list(found["tensors"].get(summary["id"], ()))
            assert summary["statistics"]["dense.kernel"]  # figures stay
        return found

    most = kept(0.7)  # the update of all steps but the last, the largest first
    assert "new_dense_kernel" in most["state"]["left_out"]["names"]
    assert "dense.kernel" not in most["state"]["left_out"]["names"]
    assert "new_dense_kernel" in most["tensors"][numbers[-1]]
    some = kept(0.3)  # and then what is between
    assert "z1" in some["tensors"][numbers[0]] and "z1" in some["tensors"][numbers[-1]]
    assert not any("d_dense_kernel" in some["tensors"].get(n, {}) for n in numbers[1:-1])
    assert embedded(view.session, 0)["tensors"] == {}


def test_figures_that_are_not_finite_are_texts(tmp_path):
    view = unseen(every=1)
    model = sheer.Sequential([layers.Dense(4), layers.Dense(1)])
    model.compile(sheer.optimizers.SGD(1e4), "mse")
    x = data(200)[0]
    model.fit(x, x[:, :1], batch_size=10, epochs=2, verbose=0, callbacks=[view])
    found = data_in(page_of(embedded(view.session)))
    assert found["state"]["steps"][-1]["loss"] == "nan"
    assert (
        found["state"]["steps"][-1]["not_finite"]["row"] is not None
        or "kernel" in (found["state"]["steps"][-1]["not_finite"]["name"])
    )
    assert "nan" in found["state"]["curves"]["series"]["loss"]


def test_it_is_written_whole_or_not_at_all(view, tmp_path, monkeypatch):
    path = tmp_path / "view.html"
    path.write_text("before")

    def fails(*_):
        raise OSError("no space")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="no space"):
        write_page(view.session, path)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_fit_exports_at_its_end_even_where_it_fails(tmp_path):
    def fault(epoch, logs):
        raise RuntimeError("a fault")

    path = tmp_path / "view.html"
    callbacks = [sheer.callbacks.LambdaCallback(on_epoch_end=fault), unseen(export=path)]
    with pytest.raises(RuntimeError, match="a fault"):
        classifier().fit(*data(40), verbose=0, callbacks=callbacks)
    status = data_in(path.read_text("utf-8"))["state"]["status"]
    assert (status["state"], status["message"]) == ("failed", "RuntimeError: a fault")


def test_a_file_that_cannot_be_written_is_told_before_the_training(tmp_path):
    with pytest.raises(ValueError, match=r"^View: export must end in \.html\. Got 'view\.png'\.$"):
        unseen(export="view.png")
    epochs = []
    seen = sheer.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    with pytest.raises(
        FileNotFoundError, match=r"^There is no folder .* to write 'view\.html' into"
    ):
        view = unseen(export=tmp_path / "none" / "view.html")
        classifier().fit(*data(40), verbose=0, callbacks=[seen, view])
    assert epochs == []


def test_two_inputs_and_two_outputs(tmp_path):
    view = unseen(every=1)
    model, x, y = two_by_two()
    model.fit(x, y, batch_size=32, verbose=0, callbacks=[view])
    state = data_in(page_of(embedded(view.session)))["state"]
    assert [i["name"] for i in state["data"]["inputs"]] == ["words", "price"]
    assert [t["name"] for t in state["data"]["targets"]] == ["y_kind", "y_rating"]


# --- the files of the page ------------------------------------------------------------------------


def test_the_page_is_light():
    """All that a browser loads, compressed, is at most 200 KB."""
    weights = {
        name: len(gzip.compress(assets.read(name).encode(), 9))
        for suffix in (".js", ".css", ".html")
        for name in assets.names(suffix)
    }
    for name, weight in sorted(weights.items(), key=lambda item: -item[1]):
        print(f"{weight / 1e3:7.1f} KB  {name}")
    total = sum(weights.values())
    print(f"{total / 1e3:7.1f} KB  in all, compressed")
    assert total <= 200_000


def test_the_module_is_one_without_imports():
    module = assets.module()
    code = re.sub(r"//.*|/\*.*?\*/", "", module, flags=re.S)
    assert not re.search(r"^import\b", module, re.M)
    assert re.findall(r"^export .*", module, re.M) == ["export default { mount, render };"]
    assert "innerHTML" not in code and "eval(" not in code and "new Function" not in code
    for name in assets.names(".js"):
        text = assets.read(name)
        assert not re.search(
            r"https?://(?!www\.w3\.org)", re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        ), name


def test_the_module_is_sound_javascript(tmp_path):
    import shutil
    import subprocess

    if shutil.which("node") is None:
        pytest.skip("needs Node.js")
    path = tmp_path / "view.mjs"
    path.write_text(assets.module())
    done = subprocess.run(["node", "--check", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_names_that_clash_are_an_error(monkeypatch):
    texts = {
        "app.js": 'import { a } from "./a.js";\nconst b = 1;\nexport default { a, b };\n',
        "a.js": "export const a = 1;\nfunction b() {}\n",
    }
    monkeypatch.setattr(assets, "read", texts.__getitem__)
    monkeypatch.setattr(assets, "names", lambda suffix: [])
    with pytest.raises(ValueError, match=r"page/app.js and page/a.js both have a 'b'"):
        assets.module.__wrapped__()

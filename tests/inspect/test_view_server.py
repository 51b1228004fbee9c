"""The page's server: what it answers, and all that it refuses."""

import json
import socket
import time

import numpy as np
import pytest

from sheer.callbacks import View
from sheer.inspect.view.server import Server
from watched import Fit, Page, paused, two_by_two

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")


@pytest.fixture
def fit():
    with Fit(paused()) as fit:
        yield fit


@pytest.fixture
def page(fit):
    return Page(fit.view.url)


@pytest.fixture(scope="module")
def still():
    """The page of a training that stays where it is: for tests of what is refused."""
    with Fit(paused()) as fit:
        yield Page(fit.view.url)
        assert fit.view.session.state()["status"]["batch"] == 0


COMMAND = b'{"name": "next_batch", "arguments": {}}'


def test_the_page_and_its_parts(page):
    status, headers, body = page.ask(f"/?token={page.token}", token=False)
    assert status == 200 and headers["content-type"].startswith("text/html")
    html = body.decode()
    assert f'src="view.js?token={page.token}"' in html
    assert f'href="style.css?token={page.token}"' in html
    assert html.count("<script") == 1
    for path, kind in (("/view.js", "text/javascript"), ("/style.css", "text/css")):
        status, headers, body = page.ask(f"{path}?token={page.token}", token=False)
        assert status == 200 and headers["content-type"].startswith(kind) and body


def test_state_and_arrays_are_those_of_the_training(fit, page):
    state = page.json("/api/state")
    assert state["status"]["state"] == "paused"
    assert state["program"]["text"] == str(fit.model.train_program())
    first = state["steps"][0]
    assert "z1" in first["tensors"] and first["statistics"]["z1"]["shape"] == [20, 5]
    status, headers, body = page.ask(f"/api/tensor?step={first['id']}&name=z1")
    assert (status, headers["X-Shape"], headers["X-Dtype"]) == (200, "20,5", "float32")
    array = np.frombuffer(body, "<f4").reshape(20, 5)
    assert np.array_equal(array, fit.view.session.tensor(first["id"], "z1"))
    _, headers, body = page.ask(f"/api/tensor?step={first['id']}&name=loss")
    assert headers["X-Shape"] == "" and len(body) == 4
    _, headers, body = page.ask(f"/api/tensor?step={first['id']}&name=y")
    assert headers["X-Dtype"] == "float64" and len(body) == 20 * 8  # labels are int64


def test_commands_move_the_training(fit, page):
    assert page.command("next_batch") == (200, {})
    assert fit.until("paused")["batch"] == 1
    status, answer = page.command("predict", x=[0.5, -1, 2, 0])
    assert status == 200
    expected = fit.model.predict(np.array([[0.5, -1, 2, 0]], "float32"), verbose=0)[0]
    np.testing.assert_allclose(answer["outputs"]["y_pred"], expected, rtol=1e-5)
    assert answer["values"]["h1"]["shape"] == [1, 5]


# --- refusals ---------------------------------------------------------------------------------

PATHS = ["/", "/view.js", "/style.css", "/api/state", "/api/events", "/api/tensor?step=1&name=x"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "wrong", "ключ"])
def test_nothing_without_the_token(still, path, token):
    joint = "&" if "?" in path else "?"
    from urllib.parse import quote

    status, headers, body = still.ask(f"{path}{joint}token={quote(token)}", token=False)
    assert status == 401
    assert body == b"The token is missing or wrong. Open the URL that the training printed."
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_command_without_the_token(fit, page):
    status, _, _ = page.ask("/api/command", COMMAND, token=False)
    assert status == 401
    assert fit.view.session.state()["status"]["batch"] == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost:1", "evil.example:80", ""]
)
def test_a_name_that_points_here_is_refused(still, host):
    """DNS rebinding: a site that resolves to 127.0.0.1 sends its own name."""
    status, _, body = still.ask("/api/state", Host=host)
    assert status == 421 or (host == "" and status == 400)
    assert b"step" not in body


def test_localhost_is_this_address(still):
    assert (
        still.ask("/api/state", Host=still.base.replace("http://127.0.0.1", "localhost"))[0] == 200
    )


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1"])
def test_another_origin_is_refused(fit, page, origin):
    for path, body in (("/api/command", COMMAND), ("/api/state", None)):
        status, _, text = page.ask(path, body, Origin=origin)
        assert (status, text) == (403, b"Another site may not ask this.")
    assert fit.view.session.state()["status"]["batch"] == 0
    assert page.ask("/api/command", COMMAND, Origin=page.base)[0] == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_from_another_site_is_refused(still, site):
    for path in PATHS:
        assert still.ask(path, Sec_Fetch_Site=site)[0] == 403
    link = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert still.ask("/", Sec_Fetch_Site=site, **link)[0] == 200  # a link that somebody followed
    assert (
        still.ask("/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe")[0]
        == 403
    )
    assert still.ask("/api/state", Sec_Fetch_Site=site, **link)[0] == 403


@pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
def test_every_answer_has_the_headers_that_protect_it(still, path):
    for token in (True, False):
        if path == "/api/events" and token:
            continue
        _, headers, _ = still.ask(path, token=token)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path",
    ["/app.js", "/../session.py", "/%2e%2e/session.py", "/etc/passwd", "//etc/passwd", "/api"],
)
def test_no_file_but_those_of_the_page(still, path):
    assert still.ask(path)[0] == 404


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 400, "step must be the id of a recorded step."),
        ("step=-1&name=x", 400, "step must be the id of a recorded step."),
        ("step=1e3&name=x", 400, "step must be the id of a recorded step."),
        ("step=٣&name=x", 400, "step must be the id of a recorded step."),
        ("step=99&name=x", 404, "There is no recorded step 99 (any more)."),
        ("step=1&name=../x", 404, "There is no value '../x' in step 0."),
    ],
)
def test_arrays_that_are_not_there(still, query, status, text):
    from urllib.parse import quote

    found, _, body = still.ask(f"/api/tensor?{quote(query, safe='=&')}")
    assert (found, json.loads(body)["error"]) == (status, text)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The command is no JSON."),
        (b"\xff\xfe", "The command is no JSON."),
        (b"[" * 100000, "The command is no JSON."),
        (b"[]", 'A command is {"name": ..., "arguments": {...}}.'),
        (b'{"name": "run", "code": "1"}', 'A command is {"name": ..., "arguments": {...}}.'),
        (b'{"name": 1}', "There is no command 1."),
        (
            b'{"name": "__init__"}',
            "There is no command '__init__'. Known: next_batch, next_epoch, pause, predict, "
            "record, run, run_until, set_learning_rate, stop, what_if.",
        ),
        (b'{"name": "next_bach"}', "There is no command 'next_bach'. Did you mean 'next_batch'?"),
        (
            b'{"name": "predict", "arguments": {"x": [1, 2, 3, ' + b"9" * 400 + b"]}}",
            "predict: x must hold numbers, in lists of one length.",
        ),
        (
            b'{"name": "predict", "arguments": {"x": [1, 2, 3, 1e39]}}',
            "predict: x has a number that is too large for float32.",
        ),
        (
            b'{"name": "predict", "arguments": {"x": {"\\ud800": [1]}}}',
            "predict: x must have x. Got ?.",
        ),
        (b'{"name": "run", "arguments": [1]}', "run: arguments must be an object. Got [1]."),
        (b'{"name": "run", "arguments": {"x": 1}}', "run: unknown argument 'x'. Known: none."),
        (b'{"name": "predict"}', "predict: x is missing."),
        (
            b'{"name": "predict", "arguments": {"x": [1, 2]}}',
            "predict: x has 2 numbers, and a row has the shape (4,).",
        ),
        (
            b'{"name": "predict", "arguments": {"x": [1, 2, [3], 4]}}',
            "predict: x must hold numbers, in lists of one length.",
        ),
        (
            b'{"name": "predict", "arguments": {"x": [1, 2, 3, NaN]}}',
            "predict: x must hold finite numbers.",
        ),
        (
            b'{"name": "set_learning_rate", "arguments": {"value": "1"}}',
            "set_learning_rate: value must be a number in [0, 1e+06]. Got '1'.",
        ),
        (
            b'{"name": "set_learning_rate", "arguments": {"value": NaN}}',
            "set_learning_rate: value must be a number in [0, 1e+06]. Got nan.",
        ),
        (
            b'{"name": "what_if", "arguments": {"learning_rate": 0.1, "steps": 100000}}',
            "what_if: steps must be a whole number from 1 to 1000. Got 100000.",
        ),
        (
            b'{"name": "run_until", "arguments": {"what": "wrong"}}',
            "run_until: sample, the number of a row of the data, is missing.",
        ),
        (
            b'{"name": "run_until", "arguments": {"what": "wrong", "sample": 200}}',
            "run_until: sample must be below 200. Got 200.",
        ),
    ],
)
def test_commands_that_cannot_be(still, body, text):
    status, _, answer = still.ask("/api/command", body)
    assert (status, json.loads(answer)) == (400, {"error": text})


def test_commands_are_posted_as_json(still):
    assert still.ask("/api/command")[0] == 405
    status, _, body = still.ask("/api/command", COMMAND, Content_Type="text/plain")
    assert (status, body) == (415, b"A command is JSON: Content-Type must be application/json.")
    assert still.ask("/api/state", b"{}")[0] == 405


def test_a_large_body_is_refused(still):
    status, _, body = still.ask("/api/command", b" " * (2 << 20))
    assert (status, json.loads(body)["error"]) == (413, "A command has at most 1,048,576 bytes.")


def test_it_listens_on_this_machine_only(fit):
    assert fit.view._server._socket.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        fit = Fit(View(port=port, open_browser=False))
        with fit:
            pass
    assert f"View: port {port} cannot be had: Address already in use." in str(fit.error)
    assert not fit.view.session.turns.is_running


def test_a_port_is_free_again_at_once(fit, page):
    with page.events() as stream:  # what ends first, waits
        messages(stream, 1)
        fit.view.close()
        again = Server(fit.view.session, int(page.base.rpartition(":")[2]))
    again.close()


# --- the stream of changes ----------------------------------------------------------------------


def messages(stream, count):
    found = []
    while len(found) < count:
        line = stream.readline().decode()
        assert line, "the stream ended"
        if line.startswith("data: "):
            found.append(json.loads(line[6:]))
    return found


def test_several_pages_see_what_changes(fit, page):
    with page.events() as one, page.events() as two:
        assert [messages(s, 1)[0]["status"]["state"] for s in (one, two)] == ["paused"] * 2
        fit.step("next_batch")
        for stream in (one, two):
            patches = []
            while not patches or patches[-1]["status"]["state"] != "paused":
                patches += messages(stream, 1)
            assert patches[-1]["status"]["batch"] == 1
            series = [p["curves"]["series"] for p in patches if "curves" in p][-1]
            assert series["loss"][-1] > 0
    assert fit.step("next_batch")["batch"] == 2  # with both gone


def test_a_page_that_comes_late_gets_what_it_missed(fit, page):
    fit.step("next_batch")
    fit.step("next_batch")
    with page.events() as stream:
        found = messages(stream, 1)[0]
    state = page.json("/api/state")
    assert {name: state[name] for name in found} == found
    assert [s["step"] for s in found["steps"]] == [0, 1, 2]


def test_a_page_is_told_that_another_training_begins(fit, page):
    fit.step("run")
    fit.thread.join(20)
    with page.events() as stream:
        messages(stream, 1)
        fit.view.paused = False
        fit.model.fit(fit.x, fit.y, verbose=0, callbacks=[fit.view])
        assert messages(stream, 1)[0]["restart"] is True


def test_a_page_that_takes_nothing_is_dropped(fit, page, monkeypatch):
    monkeypatch.setattr("sheer.inspect.view.streams.PATIENCE", 0.5)
    stream = socket.create_connection(("127.0.0.1", fit.view._server.port))
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.sendall(
        f"GET /api/events?token={page.token} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{fit.view._server.port}\r\n\r\n".encode()
    )
    streams = fit.view._server.streams
    wait_for(lambda: len(streams))
    for _ in range(200):
        streams.tell({"findings": ["x" * 1_000_000]})
    wait_for(lambda: not len(streams))
    assert fit.step("next_batch")["batch"] == 1
    stream.close()


def wait_for(condition):
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_closed_page_does_not_hold_the_training(monkeypatch, capfd):
    monkeypatch.setattr("sheer.callbacks.view.GRACE", 0.2)
    with Fit(paused()) as fit:
        with Page(fit.view.url).events() as stream:
            messages(stream, 1)
            time.sleep(0.5)
            assert fit.view.session.state()["status"]["state"] == "paused"
        assert fit.until("done")["epoch"] == 3
    assert "The page was closed: the training goes on.\n" in capfd.readouterr().out


def test_two_inputs_and_two_outputs():
    with Fit(paused(), *two_by_two(), batch_size=32) as fit:
        page = Page(fit.view.url)
        state = page.json("/api/state")
        assert [(o["name"], o["target"], o["losses"], o["kind"]) for o in state["outputs"]] == [
            ("y_pred_kind", "y_kind", "losses", "classes"),
            ("y_pred_rating", "y_rating", "losses_2", "numbers"),
        ]
        status, answer = page.command("predict", x={"words": [0.5] * 40, "price": [2]})
        assert status == 200
        x = {"words": np.full((1, 40), 0.5), "price": np.full((1, 1), 2.0)}
        expected = fit.model.predict(x, verbose=0)
        for name in ("kind", "rating"):
            found = answer["outputs"][f"y_pred_{name}"]
            np.testing.assert_allclose(found, expected[name][0], rtol=1e-5)
        text = "predict: x must have words, price. Got words."
        assert page.command("predict", x={"words": [1] * 40}) == (400, {"error": text})
        assert page.command("predict", x=[1])[1]["error"] == (
            "predict: x must have an array for each of words, price."
        )

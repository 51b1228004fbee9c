"""The page's server: on this machine alone, for who has its token.

Other programs and pages on the machine are kept out by these:

- It listens on 127.0.0.1 only. The Host of a request must name that address and its port, so that
  no site can reach it under a name of its own that points there.
- Each request must bring the token, a random secret, which the page has from its URL.
- What a browser says comes from another site (Origin, Sec-Fetch-Site) is refused.
- The page runs its own script and no other, loads nothing from elsewhere, and stands in no frame.
- A request names a step, a value and a command; never a file, and never code.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
import time
from typing import Any

from sheer.inspect.view import assets
from sheer.inspect.view.plain import to_json, wire_array
from sheer.inspect.view.session import Session
from sheer.inspect.view.streams import Streams

ADDRESS = "127.0.0.1"
# A request with a larger body than this is refused: a drawn picture has some kilobytes.
MOST_BYTES = 1 << 20
# Seconds that starting and ending may take.
PATIENCE = 10.0

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def packages() -> tuple[Any, Any]:
    """Starlette and uvicorn, which the page's server is made of."""
    try:
        import starlette
        import uvicorn
    except ImportError as error:
        raise ImportError(
            "The page of a training needs the packages starlette and uvicorn: "
            'pip install "sheer[view]". Without them View(port=None, export="view.html") writes '
            "the page to a file."
        ) from error
    return starlette, uvicorn


class Server:
    """Serves a session from a thread of its own, until `close` or the end of the process.

    Args:
        session: what is shown.
        port: where; 0 for any that is free.

    Attributes:
        url: of the page, with the token.
        token: the secret.
    """

    def __init__(self, session: Session, port: int = 0):
        _, uvicorn = packages()
        self.session = session
        self.token = secrets.token_urlsafe(24)
        self._socket = _listening(port)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://{ADDRESS}:{self.port}/?token={self.token}"
        self.hosts = {f"{ADDRESS}:{self.port}", f"localhost:{self.port}"}
        self.streams = Streams(session)
        config = uvicorn.Config(
            application(self),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="sheer view", daemon=True)
        self._thread.start()
        self._await_start()

    def _serve(self) -> None:
        asyncio.run(self._uvicorn.serve(sockets=[self._socket]))

    def _await_start(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self._uvicorn.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                self.close()
                raise RuntimeError(f"The page's server did not start on port {self.port}.")
            time.sleep(0.01)

    def is_left(self, seconds: float) -> bool:
        """Whether pages were open, and for so long none is any more."""
        left = self.streams.left_at
        return left is not None and time.monotonic() - left > seconds

    def close(self) -> None:
        """End it."""
        self.streams.close()
        self._uvicorn.should_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()


def _listening(port: int) -> socket.socket:
    """A socket on this machine's own address."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # a port just left may be had again; elsewhere it means another thing
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((ADDRESS, port))
    except OSError as error:
        found.close()
        raise OSError(
            f"View: port {port} cannot be had: {error.strerror}. Give another, or 0 for any that "
            "is free."
        ) from error
    found.listen(128)
    return found


# --- what is answered ---------------------------------------------------------------------------


def refusal(server: Server, request: Any) -> tuple[int, str] | None:
    """Why a request is not answered, with the status; None where it may be."""
    headers = request.headers
    if headers.get("host", "") not in server.hosts:
        return 421, "This server answers to its own address only."
    origin = headers.get("origin")
    own = {f"http://{host}" for host in server.hosts}
    if origin is not None and origin not in own:
        return 403, "Another site may not ask this."
    is_elsewhere = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if is_elsewhere and not _is_followed_link(request):
        return 403, "Another site may not ask this."
    if request.method == "POST" and not headers.get("content-type", "").startswith(
        "application/json"
    ):
        return 415, "A command is JSON: Content-Type must be application/json."
    given = headers.get("x-sheer-token") or request.query_params.get("token") or ""
    if not secrets.compare_digest(given.encode(), server.token.encode()):
        return 401, "The token is missing or wrong. Open the URL that the training printed."
    return None


def _is_followed_link(request: Any) -> bool:
    """Whether a browser opens the page itself, in a tab: whoever gave the link had the token."""
    headers = request.headers
    return bool(
        request.method == "GET"
        and request.url.path == "/"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def application(server: Server) -> Any:
    """The Starlette application."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route

    answers = Answers(server)
    routes = [
        Route("/", answers.page),
        Route("/view.js", answers.script),
        Route("/style.css", answers.style),
        Route("/api/state", answers.state),
        Route("/api/tensor", answers.tensor),
        Route("/api/events", answers.events),
        Route("/api/command", answers.command, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, server=server)])


class Guard:
    """Refuses what may not be asked, and gives each answer the headers that protect the page."""

    def __init__(self, app: Any, server: Server):
        self.app, self.server = app, server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.datastructures import MutableHeaders
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            return

        async def protected(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = refusal(self.server, Request(scope))
        if refused is None:
            await self.app(scope, receive, protected)
        else:
            status, text = refused
            await PlainTextResponse(text, status)(scope, receive, protected)


class Answers:
    """What the server says to requests that may ask."""

    def __init__(self, server: Server):
        self.server, self.session = server, server.session

    async def page(self, request: Any) -> Any:
        from starlette.responses import HTMLResponse

        token = self.server.token
        head = f'<link rel="stylesheet" href="style.css?token={token}">'
        return HTMLResponse(
            assets.page(head, f'<script type="module" src="view.js?token={token}"></script>')
        )

    async def script(self, request: Any) -> Any:
        from starlette.responses import Response

        return Response(assets.script(), media_type="text/javascript")

    async def style(self, request: Any) -> Any:
        from starlette.responses import Response

        return Response(assets.style(), media_type="text/css")

    async def state(self, request: Any) -> Any:
        return _json(await _elsewhere(self.session.state))

    async def tensor(self, request: Any) -> Any:
        from starlette.responses import Response

        step, name = request.query_params.get("step", ""), request.query_params.get("name", "")
        if not (step.isascii() and step.isdigit() and len(step) < 12):
            return _json({"error": "step must be the id of a recorded step."}, 400)
        try:
            array = wire_array(self.session.tensor(int(step), name))
        except LookupError as error:
            return _json({"error": error.args[0]}, 404)
        headers = {"X-Shape": ",".join(map(str, array.shape)), "X-Dtype": array.dtype.name}
        return Response(array.tobytes(), media_type="application/octet-stream", headers=headers)

    async def events(self, request: Any) -> Any:
        async def stream(scope: Any, receive: Any, send: Any) -> None:
            await self.server.streams.serve(receive, send)

        return stream

    async def command(self, request: Any) -> Any:
        import json

        body = await _limited(request)
        if body is None:
            return _json({"error": f"A command has at most {MOST_BYTES:,} bytes."}, 413)
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            return _json({"error": "The command is no JSON."}, 400)
        if not isinstance(given, dict) or set(given) - {"name", "arguments"}:
            return _json({"error": 'A command is {"name": ..., "arguments": {...}}.'}, 400)
        return await self._obeyed(given.get("name"), given.get("arguments"))

    async def _obeyed(self, name: Any, arguments: Any) -> Any:
        try:
            return _json(await _elsewhere(self.session.command, name, arguments))
        except TimeoutError as error:
            return _json({"error": str(error)}, 503)
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        except Exception as error:  # the page shows what is wrong, and the server goes on
            return _json({"error": f"{name}: {type(error).__name__}: {error}"}, 500)


async def _elsewhere(function: Any, *arguments: Any) -> Any:
    """The answer of a function that may wait, run in another thread."""
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(function, *arguments)


async def _limited(request: Any) -> bytes | None:
    """The body of a request; None where it is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return body


def _json(value: Any, status: int = 200) -> Any:
    from starlette.responses import Response

    return Response(to_json(value), status, media_type="application/json")

"""The pages that are told of what changes, by server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import Any

from sheer.inspect.view.plain import to_json
from sheer.inspect.view.session import Patch, Session

# A page that has so many messages waiting, or that takes one for so many seconds, is dropped; its
# browser asks again.
MOST_WAITING = 64
PATIENCE = 10.0
# Seconds after which a silent connection is tried.
BEAT = 5.0


class Stream:
    """What waits to be sent to a page. `put` may be called in any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self.is_over = False

    def put(self, text: str | None) -> None:
        """Send a text; None: end."""
        with contextlib.suppress(RuntimeError):  # its loop has ended
            self._loop.call_soon_threadsafe(self._put, text)

    def _put(self, text: str | None) -> None:
        if self.is_over:
            return
        self.is_over = text is None or self._waiting.qsize() >= MOST_WAITING
        if self.is_over:
            while not self._waiting.empty():
                self._waiting.get_nowait()
            text = None
        self._waiting.put_nowait(text)

    async def next(self) -> str | None:
        """The next message, in the form of an event; None at the end."""
        try:
            text = await asyncio.wait_for(self._waiting.get(), BEAT)
        except TimeoutError:
            return ": still here\n\n"
        return None if text is None else f"data: {text}\n\n"


class Streams:
    """All pages that listen now."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._open: list[Stream] = []
        self._leave = session.subscribe(self.tell)
        # When the last page went; None before any came, and while one is there.
        self.left_at: float | None = None

    def __len__(self) -> int:
        return len(self._open)

    def tell(self, patch: Patch) -> None:
        """Pass a change on to all pages; called in the thread that trains."""
        with self._lock:
            streams = list(self._open)
        text = to_json(patch) if streams else ""
        for stream in streams:
            stream.put(text)

    def close(self) -> None:
        """Let all pages go."""
        self._leave()
        with self._lock:
            streams = list(self._open)
        for stream in streams:
            stream.put(None)

    async def serve(self, receive: Any, send: Any) -> None:
        """Send a page what it may have missed, and all changes from now on, until one of both
        goes."""
        stream = Stream()

        def begin(patch: Patch) -> None:
            stream.put(to_json(patch))
            with self._lock:
                self._open.append(stream)
                self.left_at = None

        self._session.catch_up(begin)
        ends = [asyncio.ensure_future(_send(stream, send)), asyncio.ensure_future(_gone(receive))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            with self._lock:
                self._open.remove(stream)
                if not self._open:
                    self.left_at = time.monotonic()
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)


async def _send(stream: Stream, send: Any) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while not stream.is_over and (text := await stream.next()) is not None:
        message = {"type": "http.response.body", "body": text.encode(), "more_body": True}
        await asyncio.wait_for(send(message), PATIENCE)
    await asyncio.wait_for(send({"type": "http.response.body", "body": b""}), PATIENCE)


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

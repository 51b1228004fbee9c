"""RemoteMonitor: the figures of each epoch, sent to a server."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sheer.callbacks.base import Callback, Logs


class RemoteMonitor(Callback):
    """Sends the figures of each epoch to a server, by HTTP POST, as JSON.

    Where the server cannot be reached, a warning says so and the training goes on.

    Args:
        root: the server's address.
        path: what comes behind it.
        field: the field of the form that holds the JSON.
        headers: of the request, by name.
        send_as_json: whether the JSON itself is sent, and no form.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        import json
        from urllib.error import HTTPError, URLError
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        figures = {"epoch": epoch, **{name: _plain(v) for name, v in (logs or {}).items()}}
        text = json.dumps(figures)
        content = text if self.send_as_json else urlencode({self.field: text})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        headers = {"Content-Type": f"application/{kind}", **(self.headers or {})}
        try:
            with urlopen(Request(self.root + self.path, content.encode(), headers)):
                pass
        except HTTPError:
            pass  # it was reached, and does as it likes
        except (URLError, OSError):
            warnings.warn(f"Could not reach RemoteMonitor root server at {self.root}", stacklevel=2)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

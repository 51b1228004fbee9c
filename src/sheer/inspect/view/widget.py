"""The page as a widget in a notebook: no server, the notebook's own connection carries it."""

from __future__ import annotations

from functools import cache
from typing import Any

from sheer.inspect.view import assets
from sheer.inspect.view.plain import plain, wire_array
from sheer.inspect.view.session import Patch, Session


def widget_of(session: Session) -> Any:
    """A widget that shows a session.

    What the page asks comes as `{id, name, arguments}` and is answered as `{id, answer}` or
    `{id, error}`; `"state"` and `"tensor"` are asked like commands, and an array's numbers come as
    the answer's buffer. Changes are sent as `{patch}`.
    """
    return _widget_class()(session)


@cache
def _widget_class() -> Any:
    try:
        import anywidget
    except ImportError as error:
        raise ImportError(
            'The page in a notebook needs the package anywidget: pip install "sheer[view]".'
        ) from error

    class View(anywidget.AnyWidget):
        """A training on screen."""

        _esm = assets.module()
        _css = assets.style()

        def __init__(self, session: Session):
            super().__init__()
            self._session = session
            self.on_msg(self._receive)
            self._leave = session.subscribe(self._tell)

        def _tell(self, patch: Patch) -> None:
            self.send({"patch": plain(patch)})

        def _receive(self, _: Any, content: Any, buffers: Any) -> None:
            number = content.get("id") if isinstance(content, dict) else None
            try:
                answer, sent = answered(session=self._session, content=content)
            except Exception as error:
                says = (
                    error.args[0] if isinstance(error, (LookupError, ValueError)) else repr(error)
                )
                self.send({"id": number, "error": str(says)})
                return
            self.send({"id": number, "answer": plain(answer)}, sent)

        def close(self) -> None:
            self._leave()
            super().close()

    return View


def answered(session: Session, content: Any) -> tuple[Any, list[bytes]]:
    """What a page is told that asked this, and the buffers that go with it."""
    if not isinstance(content, dict):
        raise ValueError("A question is {id, name, arguments}.")
    name, arguments = content.get("name"), content.get("arguments")
    if name == "state":
        return session.state(), []
    if name != "tensor":
        return session.command(name, arguments), []
    arguments = arguments if isinstance(arguments, dict) else {}
    step, value = arguments.get("step"), arguments.get("name")
    if type(step) is not int or not isinstance(value, str):
        raise ValueError("tensor: give the id of a step, and the name of a value.")
    array = wire_array(session.tensor(step, value))
    return {"shape": array.shape, "dtype": array.dtype.name}, [array.tobytes()]

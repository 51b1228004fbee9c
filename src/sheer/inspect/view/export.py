"""The page as one file, which needs no server and no network."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from typing import Any

from sheer.core.files import write_text
from sheer.inspect.view import assets
from sheer.inspect.view.plain import to_json, wire_array
from sheer.inspect.view.session import Session

MEGABYTE = 1_000_000

# By the id of a step and the name of a value in it: shape, dtype, and the data as text.
Packed = dict[tuple[int, str], dict[str, Any]]


def write_page(session: Session, path: str | os.PathLike[str], megabytes: float = 12) -> None:
    """Write the page with all that the session has now."""
    write_text(path, page_of(embedded(session, megabytes)))


def embedded(session: Session, megabytes: float = 12) -> dict[str, Any]:
    """What the file holds: the state, and the arrays of the steps that are kept, in base64 of their
    deflated bytes.

    Where they take more than so many megabytes, arrays go, the largest first: those of the update,
    then those of the steps between the first and the latest, then the others. The state's
    `left_out` says how many, and their names.
    """
    state = session.state()
    packed = _packed(session)
    left_out = _drop(packed, megabytes * MEGABYTE, state)
    tensors: dict[int, dict[str, Any]] = {}
    for (number, name), entry in packed.items():
        tensors.setdefault(number, {})[name] = entry
    state["steps"] = [
        {**summary, "tensors": list(tensors.get(summary["id"], ()))} for summary in state["steps"]
    ]
    state["left_out"] = {
        "arrays": len(left_out),
        "names": list(dict.fromkeys(name for _, name in left_out)),
        "megabytes": megabytes,
    }
    return {"state": state, "tensors": tensors}


def _packed(session: Session) -> Packed:
    found: Packed = {}
    for entry in list(session.kept.entries):
        step = entry.step
        for name in step or ():
            assert step is not None
            array = wire_array(step[name])
            data = base64.b64encode(zlib.compress(array.tobytes(), 6)).decode()
            found[entry.summary["id"], name] = {
                "shape": array.shape,
                "dtype": array.dtype.name,
                "data": data,
            }
    return found


def _drop(packed: Packed, most: float, state: dict[str, Any]) -> list[tuple[int, str]]:
    """Take out what is too much; what went."""
    total = sum(len(entry["data"]) for entry in packed.values())
    updates = {
        name
        for row in state["program"]["rows"]
        if row["phase"] in ("update", "metrics")
        for name in row["targets"]
    }
    kept = (f"{state['optimizer']['name']}.", "metrics.") if updates else ()
    numbers = sorted({number for number, _ in packed})

    def rank(key: tuple[int, str]) -> tuple[int, int, int]:
        number, name = key
        is_update = name in updates or name.startswith(kept)
        is_last, is_end = number == numbers[-1], number in (numbers[0], numbers[-1])
        order = (2 if is_last else 0) if is_update else (3 if is_end else 1)
        return order, -len(packed[key]["data"]), number

    went = []
    for key in sorted(packed, key=rank):
        if total <= most:
            break
        total -= len(packed.pop(key)["data"])
        went.append(key)
    return went


def page_of(data: dict[str, Any]) -> str:
    """The HTML of a page that holds its data. No tag can begin inside of these, and nothing but the
    page's own script and style, known by their hashes, can run or load."""
    script, style = _text(assets.script()), _text(assets.style())
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>'
    json = to_json(data).replace("<", "\\u003c")
    body = (
        f'<script type="application/json" id="sheer-data">{json}</script>\n'
        f'<script type="module">{script}</script>'
    )
    return assets.page(head, body)


def _text(source: str) -> str:
    """A script or style that can stand in a page."""
    if "</script" in source.lower() or "</style" in source.lower() or "<!--" in source:
        raise ValueError("The page's own files hold text that would end their element.")
    return source.replace("\r\n", "\n")


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()

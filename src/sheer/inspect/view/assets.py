"""The page's files as one: its modules joined into one ES module, its styles, its HTML.

The parts in `page/` are plain ES modules, which import one another by lines such as
`import {a, b} from "./x.js";` and export by `export function`, `export const` and the like. Joined,
the import lines and the word `export` go; so no two of them may have a top-level name in common.
`app.js` comes last, and keeps its `export default`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

START = """
{
  const embedded = document.getElementById("sheer-data");
  const token = new URLSearchParams(location.search).get("token") ?? "";
  const source = embedded ? fileSource(JSON.parse(embedded.textContent)) : liveSource("", token);
  mount(document.getElementById("sheer"), source);
}
"""

IMPORT = re.compile(r'^import\s[^;]*?from\s*"\./([\w./-]+)";[ \t]*$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async |function|const|let|class))", re.MULTILINE)
NAME = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
LINK = re.compile(r"[ \t]*<link\b[^>]*rel=\"stylesheet\"[^>]*>\n?")
SCRIPT = re.compile(r"[ \t]*<script\b[^>]*>.*?</script>\n?", re.DOTALL)


def read(name: str) -> str:
    """A file of the page."""
    return files("sheer.inspect.view").joinpath("page", *name.split("/")).read_text("utf-8")


def names(suffix: str) -> list[str]:
    """The files of the page with this ending, those of others last."""
    page = files("sheer.inspect.view").joinpath("page")
    own = [f.name for f in page.iterdir() if f.name.endswith(suffix)]
    vendor = page.joinpath("vendor")
    others = (
        [f.name for f in vendor.iterdir() if f.name.endswith(suffix)] if vendor.is_dir() else []
    )
    return sorted(own) + [f"vendor/{name}" for name in sorted(others)]


@cache
def module() -> str:
    """All scripts as one ES module, with `mount` and `render` as its default export."""
    order: list[str] = []

    def add(name: str) -> None:
        if name in order:
            return
        for needed in IMPORT.findall(read(name)):
            add(needed)
        order.append(name)

    vendor = [name for name in names(".js") if name.startswith("vendor/")]
    add("app.js")
    parts = [read(name) for name in vendor]
    seen: dict[str, str] = {}
    for name in order:
        text = EXPORT.sub("", IMPORT.sub("", read(name)))
        for found in NAME.findall(text):
            if found in seen:
                raise ValueError(f"page/{name} and page/{seen[found]} both have a {found!r}.")
            seen[found] = name
        parts.append(f"// --- {name}\n{text.strip()}\n")
    return "\n".join(parts)


def script() -> str:
    """The module, and the lines that start it in a page of its own."""
    return module() + START


@cache
def style() -> str:
    """All style sheets as one, those of others first."""
    return "\n".join(read(name) for name in reversed(names(".css")))


def page(head: str, body: str) -> str:
    """The HTML with its styles and scripts exchanged: `head` and `body` are entered at the end of
    these."""
    html = SCRIPT.sub("", LINK.sub("", read("index.html")))
    html = html.replace("</head>", f"{head}\n</head>", 1)
    before, _, after = html.rpartition("</body>")
    return f"{before}{body}\n</body>{after}"

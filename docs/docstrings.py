"""The docstrings of mmret as mkdocstrings reads them.

Their sections are those of NumPy without the line of types, which the annotations tell: `name, name: what it is`.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

SECTION = re.compile(r"^(Parameters|Attributes|Returns)\n-+\n((?:.+\n?)+)", re.MULTILINE)
HEADINGS = {"Parameters": "Args", "Attributes": "Attributes", "Returns": "Returns"}
EXAMPLE = re.compile(r"^(?:>>> |\.\.\. )(?:.+\n?)+", re.MULTILINE)


class Docstrings(Extension):
    """Rewrites each docstring in Google's style."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Called once for each object that is read."""
        if obj.docstring is not None:
            obj.docstring.value = google(obj.docstring.value)


def google(text: str) -> str:
    """The same docstring in Google's style, its examples fenced."""
    text = SECTION.sub(lambda match: _section(HEADINGS[match[1]], match[2]), text)
    return EXAMPLE.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```\n", text)


def _section(heading: str, body: str) -> str:
    """Entries with one name each, so that each finds its annotation."""
    lines = [f"{heading}:"]
    for entry in re.split(r"\n(?=\S)", body.rstrip("\n")):
        names, separator, what = entry.partition(": ")
        known = separator and re.fullmatch(r"\w+(, \w+)*", names)
        for name in names.split(", ") if known else [entry]:
            said = f"{name}: {what}" if known else name
            lines += [f"    {line}" for line in said.split("\n")]
    return "\n".join(lines) + "\n"

"""What can be done to a corpus of tables, whether a view would show it, and what it must be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

from ...benchmarks.tarvir import Grid, Html, TableRecord, View
from ...errors import unknown_name
from ...tables import PERTURBATIONS, Perturbation, parse_perturbation
from ..render import STYLES

STYLE: Final = "style"
PLAIN = STYLES[0]  # the style in which pictures are drawn anew where none is asked for
Drawn = Literal["", "source", "cells"]


@dataclass(frozen=True)
class Change:
    """A perturbation of `mmret.tables`, or another style of drawing; prints as `parse` reads it.

    >>> [str(Change.parse(text)) for text in ("blur=2", "title-drop", "style=dark")]
    ['blur=2', 'title-drop', 'style=dark']
    """

    perturbation: Perturbation | None = None
    style: str = PLAIN

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a change. Raises `InputError` for an unknown one, with the nearest names."""
        name, _, value = (part.strip() for part in text.partition("="))
        if name not in names():
            raise unknown_name("perturbation", name, names())
        if name != STYLE:
            return cls(parse_perturbation(text))
        if value not in STYLES:
            raise unknown_name(STYLE, value, STYLES)
        return cls(style=value)

    def __str__(self) -> str:
        return f"{STYLE}={self.style}" if self.perturbation is None else str(self.perturbation)

    @property
    def kind(self) -> Literal["title", "table", "picture", "style"]:
        """What is changed."""
        return STYLE if self.perturbation is None else self.perturbation.kind


def names() -> list[str]:
    """Names of all changes, without strengths."""
    return [*PERTURBATIONS, STYLE]


def usual_changes() -> list[Change]:
    """Every perturbation at its usual strengths, and every style but the plain one."""
    styles = [Change(style=style) for style in STYLES if style != PLAIN]
    return [Change(one) for name in PERTURBATIONS for one in Perturbation.levels(name)] + styles


@dataclass(frozen=True)
class Making:
    """How a copy of a corpus comes about, whatever is changed in it.

    What is left undisturbed but made in the same way is the only fair thing to compare a changed copy with: otherwise
    the effect of another renderer or another OCR would be taken for that of the change.

    Parameters
    ----------
    drawn: "" where pictures stay what they are; "source" where they are drawn anew from the HTML as it is; "cells"
        where they are drawn from texts, spans and pictures of cells alone, because no other markup moves with them.
    read: whether the text is read off the pictures anew.
    """

    drawn: Drawn = ""
    read: bool = False

    def __str__(self) -> str:
        drawn = {"": "", "source": "redrawn", "cells": "redrawn-from-cells"}[self.drawn]
        return "+".join(filter(None, [drawn, "read-anew" if self.read else ""])) or "untouched"


def making_of(change: Change, view: View) -> Making:
    """How a copy with this change is made for this view."""
    shown = _pictures_matter(view)
    drawn: dict[str, Drawn] = {"table": "cells", STYLE: "source"}
    redrawn = drawn.get(change.kind, "") if shown else ""
    return Making(redrawn, "ocr" in view.forms and bool(redrawn or change.kind == "picture"))


def copied_view(change: Change, view: View) -> View:
    """The view in which a changed copy is read: pictures are disturbed with the title that is drawn above them."""
    if change.kind != "picture" or view.title != "image":
        return view
    return replace(view, title="none", content="+".join(["image", *(form for form in view.forms if form != "image")]))


def hindrance(change: Change, view: View, records: Sequence[TableRecord]) -> str:
    """Why the change cannot matter to the view, or cannot be made of such records; "" where it can."""
    kind = change.kind
    if kind == "title":
        shown = any(record.title for record in records)
        return "the view shows no title" if view.title == "none" else "" if shown else "the tables have no titles"
    if kind == "picture" and view.title == "image":
        return "the view shows titles as pictures, and text read off other pictures" if "ocr" in view.forms else ""
    if kind == "table" and not view.forms:
        return "the view shows no cells"
    if kind != "table" and not _pictures_matter(view):
        return "the view shows no picture of the table"
    if kind != "picture" and not any(isinstance(record.native, Html | Grid) for record in records):
        return "the tables have no cells"
    return "" if kind != "picture" or any(record.image for record in records) else "the tables have no pictures"


def _pictures_matter(view: View) -> bool:
    """Whether pictures of tables are shown, or text that was read off them."""
    return not {"image", "ocr"}.isdisjoint(view.forms)

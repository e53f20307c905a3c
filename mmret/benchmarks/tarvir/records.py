"""One table of a corpus in all the forms in which the corpus holds it; parsed only when somebody looks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...items import Media
from ...tables import Table
from ..draft import Fault

_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Html:
    """A table as HTML."""

    source: str

    @property
    def blank(self) -> bool:
        """Whether nothing can be seen in it: neither text nor a picture."""
        return "<img" not in self.source.lower() and not _TAG.sub("", self.source).strip()

    def table(self) -> Table | None:
        """The table. Raises `InputError` for HTML that holds none."""
        return Table.from_html(self.source) if self.source.strip() else None


@dataclass(frozen=True)
class Grid:
    """A table as flat lists: one row of headers, and rows of values."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def source(self) -> str:
        """All cells, parted by tabs and line breaks."""
        return "\n".join(["\t".join(row) for row in (self.headers, *self.rows)])

    @property
    def blank(self) -> bool:
        """Whether no cell holds text."""
        return not any(cell.strip() for row in (self.headers, *self.rows) for cell in row)

    def table(self) -> Table | None:
        """The table."""
        return Table.from_rows(self.headers, self.rows)


@dataclass(frozen=True)
class Plain:
    """A table that somebody made into running text already; its cells are lost."""

    source: str

    @property
    def blank(self) -> bool:
        """Whether there is no text."""
        return not self.source.strip()

    def table(self) -> Table | None:
        """None."""
        return None


@dataclass(frozen=True)
class TableRecord:
    """One table.

    Parameters
    ----------
    id: its name; may hold spaces, slashes and quotes, and never becomes the name of a file.
    title: of the table or its page; "" where there is none.
    native: the text of its cells as the source has it; None where the corpus has none.
    ocr: the text read off its picture; None where the corpus has none.
    image: its picture; None where the corpus has none.
    """

    id: str
    title: str = ""
    native: Html | Grid | Plain | None = None
    ocr: str | None = None
    image: Media | None = None

    @cached_property
    def table(self) -> Table | None:
        """The native text as cells, if they are known. Raises `InputError` for HTML that holds no table."""
        return self.native.table() if self.native else None

    @property
    def forms(self) -> frozenset[str]:
        """Which of "native", "ocr" and "image" there are."""
        return frozenset(name for name in ("native", "ocr", "image") if getattr(self, name) is not None)

    def defect(self, forms: Collection[str]) -> str | None:
        """What is wrong with it, as a phrase, in a corpus whose tables have these forms; None when nothing is."""
        if "image" in forms and not (self.image is not None and self.image.path.is_file()):
            return "picture is missing"
        return "table is empty" if "native" in forms and (self.native is None or self.native.blank) else None

    @property
    def digest(self) -> bytes:
        """SHA-256 over id, title and texts, and over whether there is a picture: the same in every view."""
        texts = (self.id, self.title, self.native and self.native.source, self.ocr, self.image and "image")
        return hashlib.sha256("\0".join(text or "" for text in texts).encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class Positive:
    """A table that answers a question.

    Parameters
    ----------
    names: how the labels call it; the first that is the id of a table counts.
    grade: how well it answers.
    provenance: who says so: "human", "model:NAME", "inherited", "scan"; "" where it is not said.
    where: file and line.
    """

    names: Sequence[str]
    where: str
    grade: float = 1.0
    provenance: str = ""


@dataclass(frozen=True)
class Question:
    """A question, the tables that answer it, and the slices it is in."""

    id: str
    text: str
    positives: list[Positive] = field(default_factory=list)
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Corpus:
    """What the files of a layout say.

    Parameters
    ----------
    records: reads the tables from the beginning, one at a time.
    questions: each id once.
    faults: what was met while reading the questions.
    about: facts to show; `name` and `version` among them where the files say them.
    """

    records: Callable[[], Iterator[TableRecord]]
    questions: Sequence[Question]
    faults: Sequence[Fault] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

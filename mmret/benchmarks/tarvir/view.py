"""Which form of a table a model is shown: its title and its content, each as text or as a picture."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from ...errors import InputError, unknown_name
from ...items import Item
from ...tables import SERIALISERS, serialise
from .records import Plain, TableRecord
from .titles import Titles

TITLES = ("none", "text", "image")
CONTENTS = ("none", "native", "ocr", "image", "image+native", "image+ocr")


@dataclass(frozen=True)
class View:
    """One cell of the matrix title × content.

    Parameters
    ----------
    title: "none", "text", or "image": drawn above the content's picture, or alone.
    content: "none", "native" (the text of the cells), "ocr" (the text read off the picture), "image", or a picture and
        a text: "image+native", "image+ocr".
    serialiser: how cells become text, a name in `mmret.tables.SERIALISERS`.

    Raises `InputError` for a name that is not among these, for a view that shows nothing, and for a serialiser where no
    cells are shown.

    >>> str(View.parse("title=none,content=native,serialiser=rows"))
    'title=none,content=native,serialiser=rows'
    """

    title: str = "text"
    content: str = "image"
    serialiser: str = "markdown"

    def __post_init__(self) -> None:
        for what, known in (("title", TITLES), ("content", CONTENTS), ("serialiser", SERIALISERS)):
            if getattr(self, what) not in known:
                raise unknown_name(f"{what} of a view", getattr(self, what), known)
        if self.title == self.content == "none":
            raise InputError("the view title=none,content=none shows nothing")
        if "native" not in self.content and self.serialiser != View.serialiser:
            raise InputError(
                f"serialiser={self.serialiser} is of no use without content=native or content=image+native"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """A view as one writes it: `title=text,content=image`; what is not named is as in that."""
        pairs = [part.partition("=") for part in text.split(",")]
        known = [one.name for one in fields(cls)]
        names = [name.strip() for name, _, _ in pairs]
        for name, equals, _ in pairs:
            if name.strip() not in known or not equals or names.count(name.strip()) > 1:
                raise InputError(f"{text!r} is no view; write title=text,content=image (and serialiser=markdown)")
        return cls(**{name.strip(): value.strip() for name, _, value in pairs})

    def __str__(self) -> str:
        text = f"title={self.title},content={self.content}"
        return text if self.serialiser == View.serialiser else f"{text},serialiser={self.serialiser}"

    @property
    def forms(self) -> tuple[str, ...]:
        """What a corpus must have: "native", "ocr", "image"."""
        return tuple(part for part in self.content.split("+") if part != "none")

    @property
    def pictures(self) -> bool:
        """Whether items hold a picture."""
        return "image" in (self.title, *self.forms)

    @property
    def text(self) -> bool:
        """Whether items hold text."""
        return self.title == "text" or bool({"native", "ocr"}.intersection(self.forms))

    def item(self, record: TableRecord, titles: Titles | None = None) -> Item:
        """The table as a model sees it: title and content text parted by a line break, and a picture.

        Parameters
        ----------
        titles: draws the title where it is a picture.

        Raises `InputError` when the cells cannot be read, or are asked for in another form than the text they lie in.
        """
        image = record.image if "image" in self.forms else None
        if self.title == "image" and record.title:
            image = (titles or Titles()).above(record.title, image)
        text = "\n".join(filter(None, (self._title(record), self._content(record))))
        return Item(record.id, text=text or (None if image else ""), image=image)

    def _title(self, record: TableRecord) -> str:
        return record.title if self.title == "text" else ""

    def _content(self, record: TableRecord) -> str:
        """The content as text; "" where the view shows none."""
        if "ocr" in self.forms:
            return (record.ocr or "").strip()
        if "native" not in self.forms or record.native is None:
            return ""
        if isinstance(record.native, Plain):
            if self.serialiser != View.serialiser:
                raise InputError(f"the cells lie in running text; they cannot be written as {self.serialiser}")
            return record.native.source.strip()
        return serialise(record.table, self.serialiser) if record.table is not None else ""

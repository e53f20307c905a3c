"""The making of a copy: its pictures, and then its tables with the text that is read off them."""

from __future__ import annotations

import html as markup
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from PIL.Image import Image

from ...benchmarks.rows import read_rows
from ...benchmarks.tarvir import Grid, Html, Plain, TableRecord, View
from ...benchmarks.tarvir.titles import Titles
from ...errors import InputError
from ...items import NO_CONTENT, Media, text_digest
from ...media import default_workers
from ...progress import bar
from ...tables import Table, read_picture
from ...whole import write_whole
from ..ocr import read_pictures
from ..render import Document, Settings, render
from .changes import PLAIN, Change, Making
from .source import Source

ABREAST = 64  # pictures that are worked on side by side
GONE = "images/gone.png"  # named, and not there, where a picture is lacking: the table then counts as unusable

_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_NAMED = re.compile(r'<img alt="([^"]*)">')  # as `Table.to_html` writes it
Thing = TypeVar("Thing", str, Table, Image)


def line(fields: Mapping[str, Any]) -> bytes:
    """A JSON line."""
    return (json.dumps(fields) + "\n").encode()


@dataclass
class Work:
    """The making of one copy; `change` is None for an untouched one."""

    source: Source
    change: Change | None
    making: Making
    view: View
    part: Path
    show: bool
    failed: dict[str, str] = field(default_factory=dict)

    def pictures(self) -> dict[str, str]:
        """Make the pictures of the copy: id of a table → path in the copy, for all tables that are to have one."""
        if self.making.drawn:
            return self._draw()
        if "image" in self.view.forms or self.making.read:
            return self._take()
        return {}

    def write_corpus(self, pictures: Mapping[str, str]) -> None:
        """Write `corpus.jsonl`, with the text read off the pictures where that is part of the making."""
        texts = self._read(pictures) if self.making.read else None
        new = self.part / "corpus.jsonl.new"
        with new.open("wb") as file:
            for record in self.source.records():
                picture = pictures.get(record.id)
                ocr = record.ocr if texts is None else next(texts) if picture else ""
                file.write(line(self._fields(record, picture, ocr)))
        new.replace(self.part / "corpus.jsonl")

    def _fields(self, record: TableRecord, picture: str | None, ocr: str | None) -> dict[str, str]:
        fields = {"_id": record.id, "title": self._changed("title", record.title, record)}
        if "native" in self.view.forms and record.native is not None:
            if isinstance(record.native, Plain):
                fields["text"] = f"\n{record.native.source}"  # a heading in its first line would become the title
            else:
                fields["html"] = self._html(record, record.native)
        if "ocr" in self.view.forms and ocr is not None:
            fields["ocr"] = ocr
        return fields | ({"image": picture} if picture else {})

    def _html(self, record: TableRecord, native: Html | Grid) -> str:
        """The cells as they are in the copy; as they were where they cannot be read."""
        table = _table(record) if self._changes("table") or isinstance(native, Grid) else None
        return native.source if table is None else self._changed("table", table, record).to_html()

    def _changes(self, kind: str) -> bool:
        return self.change is not None and self.change.kind == kind

    def _changed(self, kind: str, thing: Thing, record: TableRecord) -> Thing:
        """A title, table or picture as it is in the copy; each table has draws of its own."""
        if self.change is None or self.change.perturbation is None or self.change.kind != kind:
            return thing
        return self.change.perturbation.apply(thing, f"{self.source.seed}\n{record.id}")

    def _draw(self) -> dict[str, str]:
        settings = Settings(
            style=self.change.style if self.change else PLAIN, pages=self.source.workers, assets=self.source.folder
        )
        self.failed |= render(self._documents(), self.part, settings, show=self.show).failed
        drawn = {row.fields["id"]: row.fields.get("file", GONE) for row in read_rows(self.part / "manifest.jsonl")}
        return {record.id: drawn.get(record.id, GONE) for record in self.source.records()}

    def _documents(self) -> Iterator[Document]:
        for record in self.source.records():
            table = _table(record)
            if table is None or not isinstance(record.native, Html | Grid):
                self.failed[record.id] = "its cells cannot be read"
            elif self.making.drawn == "cells":
                cells = self._changed("table", table, record).to_html()
                yield Document(record.id, _with_pictures(cells, record.native.source))
            else:
                yield Document(record.id, self._html(record, record.native))

    def _take(self) -> dict[str, str]:
        """The corpus's own pictures, disturbed or as they are."""
        for unfinished in (self.part / "images").glob("*.part"):  # of a run that was killed
            unfinished.unlink()
        titles = Titles(self.source.cache) if self.source.view != self.view else None
        records, found = self.source.records(), dict[str, str]()
        make, threads = partial(self._picture, titles=titles), self.source.workers or default_workers()
        label = f"pictures for {self.change or self.making}"
        with ThreadPoolExecutor(threads) as pool, bar(None, label, "picture", show=self.show) as progress:
            while some := list(islice(records, ABREAST)):
                made = zip(some, pool.map(make, some), strict=True)
                found |= {record.id: path for record, path in made if path is not None}
                progress.update(len(some))
        return found

    def _picture(self, record: TableRecord, titles: Titles | None) -> str | None:
        media = record.image if titles is None else self.source.view.item(record, titles).image
        if media is None:
            return None
        if media.digest == NO_CONTENT:
            self.failed[record.id] = f"{media}: no readable picture"
            return GONE
        if not self._changes("picture"):
            return _kept(media, self.part)
        name = f"images/{text_digest(f'{self.change} {self.source.seed} {media.digest} {record.id}')}.png"
        if not (self.part / name).exists():
            try:
                picture = read_picture(media)
            except InputError as error:
                self.failed[record.id] = str(error)
                return GONE
            content = io.BytesIO()
            self._changed("picture", picture, record).save(content, "PNG")
            write_whole(self.part / name, content.getvalue())
        return name

    def _read(self, pictures: Mapping[str, str]) -> Iterator[str]:
        """The text of each picture, in their order; "" for one that cannot be read."""
        source = self.source
        paths = [self.part / name for name in pictures.values()]
        readings = read_pictures(paths, source.engine, workers=source.workers, cache=source.cache, show=self.show)
        for name, reading in zip(pictures, readings, strict=True):
            if reading.page is None:
                self.failed.setdefault(name, reading.fault)
            yield reading.page.text if reading.page else ""


def _table(record: TableRecord) -> Table | None:
    """The cells; None where there are none or they cannot be read."""
    try:
        return record.table
    except InputError:
        return None


def _with_pictures(cells: str, source: str) -> str:
    """The HTML of cells, which know their pictures by name alone, with the elements of the source that they name."""
    elements: dict[str, str | None] = {}
    for element in dict.fromkeys(_IMAGE.findall(source)):
        for name in Table.from_html(f"<table><tr><td>{element}</table>").rows[0][0].pictures:
            elements[name] = None if name in elements else element  # None: it could be either

    def put_back(found: re.Match[str]) -> str:
        return elements.get(markup.unescape(found[1])) or found[0]

    return _NAMED.sub(put_back, cells) if elements else cells


def _kept(media: Media, part: Path) -> str:
    """The picture as it is, by its digest; one that lies in a file of its own is only given a second name."""
    name = f"images/{media.digest}{media.suffix}"
    if not (part / name).exists():
        with suppress(OSError):
            if media.whole:
                os.link(media.path.resolve(), part / name)
        if not (part / name).exists():
            with media.open() as file:
                write_whole(part / name, file.read())
    return name

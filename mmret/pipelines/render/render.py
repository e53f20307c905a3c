"""Documents to a folder of pictures with a manifest: many at a time, and only what is not there yet."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from ...engines import as_done, open_executor
from ...errors import InputError, RunError
from ...items import text_digest
from ...media import Fault
from ...progress import bar
from . import chromium, paper, weasy
from .documents import Document, PdfPage, Picture
from .manifest import Entry, Manifest
from .settings import Settings
from .sheet import RULES, fonts

AHEAD = 3  # documents that wait for each process
REVISION = 1  # raise it when the code draws other pictures than before


@dataclass
class Report:
    """What became of the documents.

    Parameters
    ----------
    drawn, kept: numbers of documents drawn now, and of those whose pictures were there already.
    failed: the reason for each document that could not be drawn.
    several: ids of documents with several tables, of which the first one is drawn.
    refused: ids of documents that name addresses which were not loaded.
    """

    drawn: int = 0
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    several: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def render(
    documents: Iterable[Document], folder: Path, settings: Settings | None = None, *, show: bool = False
) -> Report:
    """Draw documents into `folder`: `images/*.png` and `manifest.jsonl`, which names the picture of each id.

    A picture that is there stays while document, settings, renderer, fonts and assets are what they were. A document
    that cannot be drawn is entered with its "error", and tried again next time. Pictures are named by a digest, so that
    documents of the same content share one.

    Raises
    ------
    InputError: an id with two contents; a renderer that is not installed, with the way to install it.
    RunError: the folder cannot be written; the browser does not start.
    """
    try:
        return _render(documents, folder, settings or Settings(), show)
    except OSError as error:
        raise RunError(
            f"{folder}: pictures cannot be kept: {error.strerror}; free some space or name another folder with "
            "--output; what was drawn before is kept"
        ) from error


def _render(documents: Iterable[Document], folder: Path, settings: Settings, show: bool) -> Report:
    run = _Run(folder, settings)
    with (
        open_executor(settings.pages, settings.time_limit, "renderer", settings.ray) as executor,
        bar(None, "draw", "document", show=show) as progress,
    ):

        def todo() -> Iterator[tuple[Entry, Document]]:
            for document in documents:
                if (entry := run.entry(document)) is None:
                    progress.update()
                else:
                    yield entry, document

        for some in as_done(todo(), partial(_draw_to, settings, folder), executor, AHEAD):
            for (entry, _), outcome in some:
                run.done(entry, outcome)
                progress.update()
    run.manifest.finish(list(run.seen))
    return run.report


class _Run:
    """One call of `render`: what was asked for, what is there, and what became of it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for unfinished in (folder / "images").glob("*.new"):  # of a run that was killed
            unfinished.unlink()
        self.manifest = Manifest(folder)
        self.report = Report()
        self.seen: dict[str, str] = {}
        self._settings = settings

    def entry(self, document: Document) -> Entry | None:
        """What the manifest says of a document before it is drawn; None when nothing is left to do for it."""
        if document.id in self.seen:
            if self.seen[document.id] != document.digest:
                raise InputError(f"the id {document.id!r} is given twice, with different content")
            return None
        self.seen[document.id] = document.digest
        if isinstance(document.content, Fault):
            self.done({"id": document.id, "file": ""}, document.content)
            return None
        look = _look(isinstance(document.content, PdfPage), self._settings)
        css = self._settings.css + RULES
        key = text_digest(json.dumps([REVISION, document.digest, look, css]))[:24]
        entry = {"id": document.id, "file": f"images/{key}.png", "digest": document.digest, **look}
        if not self.manifest.holds(document.id, entry["file"], self._settings.assets):
            return entry
        self.report.kept += 1
        self._note(self.manifest.entries[document.id])
        return None

    def done(self, entry: Entry, outcome: Fault | Entry) -> None:
        """Write down what became of a document."""
        if isinstance(outcome, Fault):
            entry = {name: value for name, value in entry.items() if name != "file"} | {"error": outcome.reason}
            self.report.failed[entry["id"]] = outcome.reason
        else:
            entry |= outcome
            self.report.drawn += 1
        self.manifest.add(entry)
        self._note(entry)

    def _note(self, entry: Entry) -> None:
        if entry.get("tables", 0) > 1:
            self.report.several.append(entry["id"])
        if entry.get("refused"):
            self.report.refused.append(entry["id"])


@cache
def _look(page: bool, settings: Settings) -> Entry:
    """Renderer and settings that decide a picture. Raises `InputError` when the renderer is not installed."""
    if page:
        return {"renderer": "poppler", "version": paper.version(), "dpi": settings.dpi}
    browser = settings.engine == "chromium"
    return {
        "renderer": settings.engine,
        "version": chromium.version(settings) if browser else weasy.version(),
        "style": settings.style,
        "fonts": fonts(settings.css),
        "viewport": settings.viewport,
        "scale": settings.scale,
    }


def draw(content: str | PdfPage, settings: Settings) -> Picture:
    """The picture of a table's HTML or of a page; the same for the same content, whatever was drawn before.

    The browser it starts stays for the next call, until the process ends. Raises `RunError` when it cannot be drawn.
    """
    if isinstance(content, PdfPage):
        return paper.draw(content, settings)
    return _browser(settings).draw(content) if settings.engine == "chromium" else weasy.draw(content, settings)


@cache
def _browser(settings: Settings) -> chromium.Chromium:
    return chromium.Chromium(settings)


def _draw_to(settings: Settings, folder: Path, job: tuple[Entry, Document]) -> Entry:
    """Draw the document of a job into the file that its entry names, and say what the manifest says of it."""
    entry, document = job
    path = folder / entry["file"]
    assert not isinstance(document.content, Fault)
    start = time.perf_counter()
    picture = draw(document.content, settings)
    new = path.with_suffix(f".{os.getpid()}.new")
    new.write_bytes(picture.png)
    new.replace(path)
    about: Entry = {
        "width": picture.width,
        "height": picture.height,
        "sha256": hashlib.sha256(picture.png).hexdigest(),
        "seconds": round(time.perf_counter() - start, 3),
    }
    extras = {"tables": picture.tables, "assets": picture.assets, "refused": picture.refused}
    return about | {name: value for name, value in extras.items() if value}

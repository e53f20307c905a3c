"""The tables of a corpus as documents: one pass over its records, none of which is kept."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

from ...errors import InputError
from ...items import Item
from ..draft import Fault
from .gold import slices_of
from .records import Corpus, Positive, Question, TableRecord
from .titles import Titles
from .view import View

_ABREAST = 64  # tables whose titles are drawn side by side
Shown = tuple[TableRecord, Item, Fault | None]


class Documents:
    """What a view shows of a corpus, and what must be known of its tables besides.

    Attributes
    ----------
    items: one a record, in the order of the files.
    faults: tables that lack what others have or cannot be read, and labels that name no table.
    fonts: those that titles were drawn with.
    """

    def __init__(self, corpus: Corpus, view: View, forms: frozenset[str], cache: Path | None) -> None:
        self.items: list[Item] = []
        self.faults: list[Fault] = []
        self._place: dict[str, int] = {}
        self._digests: list[bytes] = []
        self._slices: dict[int, list[str]] = {}
        titles = Titles(cache) if view.title == "image" else None
        gold = {name for question in corpus.questions for one in question.positives for name in one.names}
        with _without_collector():
            for record, item, fault in _shown(corpus.records(), view, forms, titles):
                self._add(record, item, fault, is_gold=record.id in gold)
        self.fonts = titles.fonts if titles else []

    def _add(self, record: TableRecord, item: Item, fault: Fault | None, *, is_gold: bool) -> None:
        number = len(self.items)
        self.items.append(item)
        if fault is not None:
            self.faults.append(fault)
        if record.id in self._place:
            return
        self._place[record.id] = number
        self._digests.append(record.digest)
        if is_gold:
            self._slices[number] = slices_of(record)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over all tables in all their forms, whatever their order in the files."""
        return hashlib.sha256(b"".join(sorted(self._digests))).hexdigest()

    def answers(self, question: Question) -> dict[int, Positive]:
        """Position of a table → the label that names it; a label that names none is a fault."""
        found: dict[int, Positive] = {}
        for positive in question.positives:
            place = next((self._place[name] for name in positive.names if name in self._place), None)
            if place is None:
                where = f"{positive.where}: positive {positive.names[0]!r} of {question.id!r} is no table"
                self.faults.append(Fault("positive is no table", question.id, positive.names[0], where))
            else:
                found[place] = positive
        return found

    def slices(self, answers: Mapping[int, Positive]) -> list[str]:
        """The slices that these answers put a question into."""
        return sorted({label for place in answers for label in self._slices[place]})


@contextmanager
def _without_collector() -> Iterator[None]:
    """No search for cycles: tables have none, and millions of short-lived cells would set it off all the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _shown(records: Iterator[TableRecord], view: View, forms: frozenset[str], titles: Titles | None) -> Iterator[Shown]:
    show = partial(_show, view=view, forms=forms, titles=titles)
    if titles is None:
        yield from map(show, records)
        return
    with ThreadPoolExecutor() as pool:  # Pillow reads and writes pictures beside each other
        while some := list(islice(records, _ABREAST)):
            yield from pool.map(show, some)


def _show(record: TableRecord, view: View, forms: frozenset[str], titles: Titles | None) -> Shown:
    defect = record.defect(forms)
    where = f" ({record.image})" if record.image is not None else ""
    fault = Fault(defect, document=record.id, where=f"table {record.id!r}{where}: {defect}") if defect else None
    if fault is None and titles is not None and (lacking := titles.lacking(record.title)):
        where = f"title of {record.id!r}: no font here has {lacking!r}"
        fault = Fault("characters of a title cannot be drawn", document=record.id, where=where)
    try:
        return record, view.item(record, titles), fault
    except InputError as error:
        fault = Fault("table cannot be read", document=record.id, where=f"table {record.id!r} cannot be read: {error}")
        return record, Item(record.id, text=record.title if view.title == "text" else ""), fault

"""What the pages show things of: a study, with the forms in which its documents are seen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

from ....benchmarks import Benchmark
from ....errors import InputError
from ....items import Item
from ....serving.media import MediaShelf
from ..answers import Study
from ..examples import pictured
from ..live import Live
from ..votes import Votes
from .captions import Captions

T = TypeVar("T")
TEXTS = {  # of a table, by the view that shows it
    "Native text": "title=text,content=native",
    "Text read off the picture": "title=text,content=ocr",
}


@dataclass(frozen=True, eq=False)
class Scene:
    """A study and what is needed to show it.

    Parameters
    ----------
    shelf: where its media are served.
    votes, live: None where nobody can vote, or ask.
    captions: what models read of sounds.
    """

    study: Study
    shelf: MediaShelf
    votes: Votes | None = None
    live: Live | None = None
    captions: Captions = field(default_factory=Captions)
    _texts: dict[str, Benchmark | None] = field(default_factory=dict)
    _kept: dict[Hashable, Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def shown(self) -> Benchmark:
        """The benchmark as it is seen: tables as pictures where there are any."""
        found = pictured(self.study)
        self.shelf.add(found.documents)
        return found

    def texts(self, document: int) -> dict[str, str]:
        """The texts of a document by what they are called; of a table all that the benchmark has."""
        if not self.study.benchmark.view:
            text = self.study.benchmark.documents[document].text
            return {"Text": text} if text else {}
        found = {name: self._in_view(view) for name, view in TEXTS.items()}
        return {name: one.documents[document].text or "" for name, one in found.items() if one is not None}

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gave when this was first asked for, because a study does not change."""
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

    def _in_view(self, view: str) -> Benchmark | None:
        """The benchmark in another view, read once; None where it has not these forms."""
        with self._lock:
            if view not in self._texts:
                try:
                    self._texts[view] = self.study.in_view(view)
                except InputError:
                    self._texts[view] = None
            return self._texts[view]


def place_of(items: Sequence[Item], name: str, kind: str) -> int:
    """Position of the item of that id. Raises `InputError` naming the kind of item when there is none."""
    for place, item in enumerate(items):
        if item.id == name:
            return place
    raise InputError(f"{name!r} is no {kind} of this study")

"""A folder of tables to a draft: whatever the layout, in the view that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...items import Item
from ..composed import labels_hidden, read_about
from ..draft import Draft
from ..ragged import Ragged
from ..sources import Sources
from .documents import Documents
from .fields import FieldMap
from .made import PICTURES, TEXTS, with_made
from .nq_tables import is_nq_tables, read_nq_tables
from .records import Corpus
from .release import CORPUS, find_release, read_release
from .triples import files_of, is_triple, read_triple
from .view import View

_PEEK = 100  # records looked at to learn what a corpus holds
_MAKE = {
    "native": "the tables have no native text; show content=ocr or content=image",
    "ocr": "nobody has read the text off the pictures; do so: mmret ocr {0} --output {0}/ocr.jsonl",
    "image": "there are no pictures of the tables; draw them: mmret render {0} --output {0}",
}


def open_corpus(folder: Path, sources: Sources) -> Corpus:
    """The tables and questions of a folder, in whichever of the known layouts they lie, with what was made for them.

    Raises `InputError` naming what was looked for when it is none of them.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return with_made(_read_layout(folder, sources), folder)


def corpus_files(folder: Path, sources: Sources) -> list[Path]:
    """The files, relative to the folder, that the tables of a corpus lie in, pictures and what was made among them.

    Raises `InputError` for layouts that keep labels in the same files, and for pictures outside of the folder.
    """
    if not is_triple(folder) or is_nq_tables(folder) or find_release(folder) is not None:
        raise InputError(f"{folder}: not corpus, queries and qrels, which alone keep tables and labels apart")
    here = folder.absolute()
    records = open_corpus(folder, sources).records()
    pictures = {record.image.path for record in records if record.image is not None}
    made = [here / name for name in (PICTURES, TEXTS) if (here / name).is_file()]
    # Pictures that lie in the files of the corpus themselves are kept in the cache.
    found = [*files_of(here), *made, *sorted(path for path in pictures if path.is_relative_to(here))]
    outside = [path for path in found if ".." in path.relative_to(here).parts]
    if outside:
        raise InputError(f"{outside[0]}: lies outside of {folder}; a copy needs all pictures inside")
    return [path.relative_to(here) for path in found]


def _read_layout(folder: Path, sources: Sources) -> Corpus:
    names, split = FieldMap.load(sources.field_map), sources.split
    about = read_about(folder) if (folder / "benchmark.json").is_file() else {}
    if is_nq_tables(folder):
        return read_nq_tables(folder, split)
    if find_release(folder) is not None:
        return read_release(folder, split, names, sources.cache)
    hidden = labels_hidden(about, folder)
    if is_triple(folder, hidden=hidden):
        return read_triple(folder, split, names, sources.cache, about)
    below = [path.name for path in sorted(folder.iterdir()) if path.is_dir() and is_triple(path)]
    raise InputError(
        f"{folder}: no benchmark here: neither benchmark.json, nor corpus, queries and qrels (folders, or "
        f"files such as corpus.jsonl), nor interactions/*.jsonl of NQ-TABLES, nor {CORPUS} of TaR-ViR"
        + (f"; name one of its folders: {', '.join(below)}" if below else "")
    )


def read_tables(folder: Path, sources: Sources, *, name: str = "", about: Mapping[str, Any] | None = None) -> Draft:
    """Read a benchmark of tables.

    Parameters
    ----------
    folder: what `sources.data` would name.
    sources: the view, field map, split and cache; without a view titles are text and contents pictures, or native text
        in a corpus without pictures.
    name: what it is called; by default as its own files say, or as the folder is called.
    about: further facts to show.

    Raises `InputError` for files that fit no layout, and for a view of what the corpus does not have. Everything else
    that is wrong is a fault of the draft.
    """
    corpus = open_corpus(folder, sources)
    facts = {**(about or {}), **corpus.about}
    forms = _forms(corpus, folder)
    view = _view(forms, sources.view, folder)
    documents = Documents(corpus, view, forms, sources.cache)
    answers = [documents.answers(question) for question in corpus.questions]
    judges = np.asarray([positive.provenance for found in answers for positive in found.values()], np.str_)
    own_split = f"-{sources.split}" if sources.split not in (None, "test") else ""
    return Draft(
        name=(name or str(facts.get("name", folder.absolute().name))) + own_split,
        version=str(facts.get("version", "1")),
        queries=[Item(question.id, text=question.text) for question in corpus.questions],
        documents=documents.items,
        positives=Ragged.of([list(found) for found in answers]),
        gains=np.asarray([positive.grade for found in answers for positive in found.values()], np.float64),
        provenance=judges if judges.any() else None,
        labels=[
            [*question.labels, *documents.slices(found)]
            for question, found in zip(corpus.questions, answers, strict=True)
        ],
        found=[*corpus.faults, *documents.faults],
        needs=frozenset({"image"}) if view.pictures else frozenset(),
        view=str(view),
        contents=documents.digest,
        hidden=labels_hidden(corpus.about, folder),
        about=facts | ({"title fonts": documents.fonts} if documents.fonts else {}),
    )


def _forms(corpus: Corpus, folder: Path) -> frozenset[str]:
    """The forms in which there are tables, judged by the first of them."""
    found = [record.forms for record in islice(corpus.records(), _PEEK)]
    if not found:
        raise InputError(f"{folder}: the corpus is empty")
    return frozenset().union(*found)


def _view(forms: frozenset[str], given: str | None, folder: Path) -> View:
    if given is None:
        return View(content=next((form for form in ("image", "native", "ocr") if form in forms), "none"))
    view = View.parse(given)
    lacking = [form for form in view.forms if form not in forms]
    if lacking:
        raise InputError(f"{folder}: {view} cannot be shown: {_MAKE[lacking[0]].format(folder)}")
    return view

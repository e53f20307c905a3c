"""What code can tell of a modification text: its length, and whether it gives the target away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from ..config import Write
from ..describe import Annotation
from .base import Task

VERBATIM = 8  # words in a row that stand in the target's annotation and not in the source's
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_FILE = re.compile(r"\b[\w-]+\.(?:mp4|mkv|mov|avi|webm|m4v|ts|mp3|wav|m4a|flac|jpe?g|png)\b", re.IGNORECASE)
_DIGEST = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE)
_SETTING = re.compile(r"\b(?:annotations?|json|target (?:clip|video)|(?:second|other) (?:clip|video))\b", re.IGNORECASE)


def faults(texts: Sequence[str], task: Task, settings: Write) -> list[str]:
    """What is wrong with the texts of a pair, in words that a model can act on; empty for nothing."""
    found = []
    if len(texts) != settings.phrasings:
        found.append(f"{settings.phrasings} texts are wanted, not {len(texts)}")
    if len({" ".join(words(text)) for text in texts}) < len(texts):
        found.append("two texts are the same")
    for number, text in enumerate(texts, 1):
        found += [f"text {number} {fault}" for fault in _faults(text, task, settings)]
    return found


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return [word.casefold() for word in _WORD.findall(text)]


def _faults(text: str, task: Task, settings: Write) -> Iterator[str]:
    count = len(words(text))
    if not settings.shortest <= count <= settings.longest:
        yield f"has {count} words; {settings.shortest} to {settings.longest} are wanted"
    named = _FILE.search(text) or _DIGEST.search(text) or _names(task).search(text)
    if named:
        yield f"names a file or an id: {named[0]}"
    told = _SETTING.search(text)
    if told:
        yield f"speaks of how it was made: {told[0]}"
    copied = _copied(text, task.source, task.target)
    if copied:
        yield f"copies the description of what is wanted: {copied}"


def _names(task: Task) -> re.Pattern[str]:
    """Ids of the pair and its clips, and names of their originals; a name that is a plain word tells nothing."""
    originals = [PurePath(clip.original) for clip in task.clips]
    names = {task.pair.id, *(clip.id for clip in task.clips), *(path.name for path in originals)}
    names |= {path.stem for path in originals if not path.stem.isalpha()}
    known = sorted(re.escape(name) for name in names if len(name) > 3)
    return re.compile(rf"(?<!\w)(?:{'|'.join(known) or '(?!)'})(?!\w)", re.IGNORECASE)


def _copied(text: str, source: Annotation, target: Annotation) -> str:
    """The first run of `VERBATIM` words that stands in the target's annotation alone; empty without one."""
    runs = _runs(target) - _runs(source)
    said = words(text)
    return next((" ".join(run) for run in _windows(said) if run in runs), "")


def _runs(annotation: Annotation) -> set[tuple[str, ...]]:
    return {run for text in _texts(annotation.model_dump()) for run in _windows(words(text))}


def _windows(said: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(said[i : i + VERBATIM]) for i in range(len(said) - VERBATIM + 1))


def _texts(value: Any) -> Iterator[str]:
    """All texts in plain values."""
    if isinstance(value, str):
        yield value
    else:
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)

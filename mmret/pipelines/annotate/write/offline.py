"""offline: texts composed of what the two annotations do not share. No language model; it reads like what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import InputError, first_ten
from ..config import Write
from ..llm import RejectedError, settle
from ..project import Outcome
from ..records import Instruction, Kind
from .base import Task
from .checks import faults, words
from .difference import Change, heard_changes, seen_changes

# For each phrasing: how it opens, by kind, and how it says that one thing stands for another, is added, is left out.
OPENINGS: tuple[dict[Kind, str], ...] = (
    {
        "audio-center": "Keep the picture as it is and change the sound",
        "visual-center": "Keep the sound as it is and change the picture",
        "integrated": "Change both the picture and the sound",
    },
    {
        "audio-center": "The same picture, but with another sound",
        "visual-center": "The same sound, but with another picture",
        "integrated": "Another picture with another sound",
    },
    {
        "audio-center": "It should look like this, but I want to hear something else",
        "visual-center": "It should sound like this, but I want to see something else",
        "integrated": "I want to see and hear something else",
    },
)
CHANGES = (
    ("replace {gone} with {new}", "add {new}", "leave out {gone}"),
    ("{new} instead of {gone}", "also {new}", "without {gone}"),
    ("not {gone} but {new}", "{new} as well", "no {gone}"),
)


class OfflineWriter:
    """Composes texts. Raises `InputError` where more phrasings are wanted than it has."""

    name = "offline"

    def __init__(self, settings: Write) -> None:
        if settings.phrasings > len(OPENINGS):
            raise InputError(f"write.phrasings: the offline writer has {len(OPENINGS)}, not {settings.phrasings}")
        self._settings = settings
        self.identity: Mapping[str, Any] = {"revision": "1"}

    def write(self, task: Task) -> Outcome:
        """The texts of the pair's differences in what its kind is about."""

        def make() -> Instruction:
            kind = task.pair.kind
            seen = seen_changes(task.source, task.target) if kind != "audio-center" else []
            heard = heard_changes(task.source, task.target) if kind != "visual-center" else []
            for sense, changes, other in (("seen", seen, "audio-center"), ("heard", heard, "visual-center")):
                if kind != other and not changes:
                    raise RejectedError(f"the annotations do not differ in what is {sense}")
            texts = [self._text(style, kind, seen, heard) for style in range(self._settings.phrasings)]
            wrong = faults(texts, task, self._settings)
            if wrong:
                raise RejectedError(f"no valid text: {first_ten(wrong)}")
            return Instruction(pair=task.pair.id, phrasings=texts, made_by=self.name)

        return settle(make)

    def _text(self, style: int, kind: Kind, seen: Sequence[Change], heard: Sequence[Change]) -> str:
        """As many changes as there is room for, seen and heard in turn, so that both are told of."""
        turns = [change for i in range(max(len(seen), len(heard))) for change in (*seen[i : i + 1], *heard[i : i + 1])]
        text = OPENINGS[style][kind]
        for i, change in enumerate(turns):
            longer = f"{text}{';' if i else ':'} {_say(change, style)}"
            if i and len(words(longer)) > self._settings.longest:
                break
            text = longer
        return f"{text}."


def _say(change: Change, style: int) -> str:
    replaced, added, left_out = CHANGES[style]
    said = replaced if change.gone and change.new else added if change.new else left_out
    return said.format(gone=change.gone, new=change.new)

"""llm:MODEL@ADDRESS: texts by a language model, which is given the two annotations and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config import Write
from ..llm import Asker, Prompt, Question, settle
from ..project import Outcome
from ..records import Instruction, Kind
from .base import Phrasings, Task
from .checks import faults

KINDS: dict[Kind, str] = {
    "audio-center": "The two look alike: write about what changes in the sound, and do not describe the picture.",
    "visual-center": "The two sound alike: write about what changes in the picture, and do not describe the sound.",
    "integrated": "Picture and sound both change: write about both.",
}


class LlmWriter:
    """Asks a model for the texts in their typed form. The prompt is `write.md`."""

    def __init__(self, settings: Write, asker: Asker) -> None:
        self._settings, self._asker = settings, asker
        self._prompt = Prompt.named("write")
        self.name = f"llm:{asker.model}"
        self.identity: Mapping[str, Any] = {**asker.identity, "prompt": self._prompt.digest, "kinds": KINDS}

    def write(self, task: Task) -> Outcome:
        """The model's texts. Raises `RunError` where the server answers nobody."""
        text = self._prompt.fill(
            kind=KINDS[task.pair.kind],
            source=task.source.model_dump_json(indent=1),
            target=task.target.model_dump_json(indent=1),
            count=self._settings.phrasings,
            shortest=self._settings.shortest,
            longest=self._settings.longest,
        )
        question = Question("write", task.pair.id, self._prompt, text)

        def make() -> Instruction:
            made = self._asker.ask(question, Phrasings, lambda one: faults(one.phrasings, task, self._settings))
            return Instruction(pair=task.pair.id, phrasings=made.phrasings, made_by=self.name)

        return settle(make)

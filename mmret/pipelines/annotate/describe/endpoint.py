"""endpoint:MODEL@ADDRESS: annotations by a model at a server, which is sent frames and sound."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config import Describe
from ..llm import Asker, Prompt, Question, settle
from ..project import Outcome
from ..records import Clip, Description
from .base import description, faults
from .parts import digest, parts
from .schema import Annotation


class EndpointDescriber:
    """Asks a model for the annotation in its typed form. The prompt is `describe.md`."""

    def __init__(self, settings: Describe, asker: Asker) -> None:
        self._settings, self._asker = settings, asker
        self._prompt = Prompt.named("describe")
        self.name = f"endpoint:{asker.model}"
        self.identity: Mapping[str, Any] = {
            **asker.identity, "prompt": self._prompt.digest, "schema": Annotation.model_json_schema(),
            "frames": settings.frames, "side": settings.side, "sound": settings.sound,
        }  # fmt: skip

    def describe(self, clip: Clip, path: Path) -> Outcome:
        """The model's annotation. Raises `RunError` where the server answers nobody."""
        question = Question(
            "describe", clip.id, self._prompt, self._prompt.text, digest(clip, self._settings),
            lambda: parts(path, self._settings),
        )  # fmt: skip

        def make() -> Description:
            return description(clip, self._asker.ask(question, Annotation, faults), self.name)

        return settle(make)

"""llm:MODEL@ADDRESS: a language model at a server judges, by the clips themselves or by their annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from ....items import text_digest
from ..config import Describe
from ..describe.parts import digest, parts
from ..llm import Asker, Prompt, Question
from ..records import Criteria, Record
from .gold import LLM
from .judge import Case, Judgement, Side


class Answer(Record):
    """The form of a model's answer: why comes first, so that the points follow from it."""

    reason: str = Field(description="What was found, in one or two sentences.", min_length=1)
    criteria: Criteria = Field(description="Each point: true where it holds.")


class LlmJudge:
    """Asks a model for its judgement of one case at a time. The prompt is `judge.md`.

    Parameters
    ----------
    asker: the model.
    media: how frames and sound of source and target are sent; None sends their annotations instead. Others are
        always told by their annotations.
    path: where the clip of an id lies.
    """

    at_once = False

    def __init__(self, asker: Asker, media: Describe | None, path: Callable[[str], Path]) -> None:
        self._asker, self._media, self._path = asker, media, path
        self._prompt = Prompt.named("judge")
        self.name = LLM + asker.model  # where its server stands concerns nobody
        self.threads = asker.threads
        sent = media and {"frames": media.frames, "side": media.side, "sound": media.sound}
        self.identity: Mapping[str, Any] = {**asker.identity, "prompt": self._prompt.digest, "media": sent}

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """A judgement of each case. Raises what `Asker.ask` raises."""
        return [self._judge(case) for case in cases]

    def _judge(self, case: Case) -> Judgement:
        others = "\n".join(f"{i}. {_told(side)}" for i, side in enumerate(case.others, 1)) or "None."
        shown = {"source": case.source, "target": case.target}
        told = {name: _told(side) if self._media is None else "See the media above." for name, side in shown.items()}
        question = Question(
            "verify", case.id, self._prompt, self._prompt.fill(text=case.text, others=others, **told),
            self._seen(case), lambda: self._sent(shown),
        )  # fmt: skip
        answer = self._asker.ask(question, Answer)
        return Judgement(answer.criteria, answer.reason)

    def _seen(self, case: Case) -> str:
        media = self._media
        if media is None:
            return ""
        return text_digest(" ".join(digest(side.clip, media) for side in (case.source, case.target)))

    def _sent(self, shown: Mapping[str, Side]) -> list[dict[str, Any]]:
        """The two clips, each under its heading."""
        if self._media is None:
            return []
        sent: list[dict[str, Any]] = []
        for name, side in shown.items():
            sent.append({"type": "text", "text": f"The {name} clip:"})
            sent += parts(self._path(side.clip.id), self._media)
        return sent


def _told(side: Side) -> str:
    return json.dumps(side.description.annotation, ensure_ascii=False)

"""Planted controls: triplets that are known to be wrong or right, among the others, to measure those who judge.

A right one has, in place of the triplet's own text, all that the target's annotation says: it is right as far as that
annotation is. A wrong one is the triplet with another's text or without its target, or a right one turned round: what
the triplet's own text says cannot be turned, as nobody knows yet whether it is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from operator import itemgetter
from typing import Literal

from ....items import text_digest
from ..describe.schema import Annotation
from .judge import Case

Making = Literal["exchanged text", "source as target", "reversed", "negated", "told in full"]


@dataclass(frozen=True)
class Control:
    """A case whose right answer is known.

    Parameters
    ----------
    case: what judges see.
    made: how it was made.
    right: whether it is to be accepted.
    of: the id of the pair that it was made of.
    """

    case: Case
    made: Making
    right: bool
    of: str


def plant(cases: Sequence[Case], count: int, seed: int) -> list[Control]:
    """Up to `count` known-wrong controls and as many known-right ones, in equal parts of each making.

    Parameters
    ----------
    cases: the triplets to be judged; one gives at most one control of each making.

    A control is drawn by a hash of the pair's id: it stays the same when other triplets are added, unless it is of
    another's text. Too few triplets give fewer controls.
    """
    told = list(_told(cases))
    makings: dict[Making, list[tuple[Case, Case]]] = {
        "exchanged text": list(_exchanged(cases)),
        "source as target": [(case, replace(case, target=case.source)) for case in cases],
        "reversed": [(of, replace(one, source=one.target, target=one.source)) for of, one in told],
        "negated": [(of, replace(one, text=f"What follows is not wanted. {one.text}")) for of, one in told],
    }
    fit = [made for made in makings if makings[made]]  # clips of one video, for one, give no texts to exchange
    wrong = [_drawn(makings[made], made, False, _part(count, i, len(fit)), seed) for i, made in enumerate(fit)]
    right = _drawn(told, "told in full", True, count, seed)
    return [control for some in (*wrong, right) for control in some]


def _drawn(made_of: Iterable[tuple[Case, Case]], made: Making, right: bool, count: int, seed: int) -> list[Control]:
    """Those of `count` triplets, under ids of their own."""
    named = ((text_digest(f"{seed} {made} {of.id}")[:16], of, case) for of, case in made_of)
    drawn = nsmallest(count, named, key=itemgetter(0))
    return [Control(replace(case, id=name), made, right, of.id) for name, of, case in drawn]


def _exchanged(cases: Sequence[Case]) -> Iterator[tuple[Case, Case]]:
    """Each with the text of the next one, by a hash of ids, that asks something else of clips of other originals."""
    ordered = sorted(cases, key=lambda case: text_digest(case.id))
    for i, case in enumerate(ordered):
        own = _originals(case)
        others = (ordered[(i + step) % len(ordered)] for step in range(1, len(ordered)))
        other = next((one for one in others if one.text != case.text and own.isdisjoint(_originals(one))), None)
        if other is not None:
            yield case, replace(case, text=other.text)


def _originals(case: Case) -> set[str]:
    return {case.source.clip.original, case.target.clip.original}


def _told(cases: Sequence[Case]) -> Iterator[tuple[Case, Case]]:
    """Each with a text that says all that is known of the target, where nothing beside it is told alike."""
    for case in cases:
        annotation = case.target.description.annotation
        if all(annotation != side.description.annotation for side in (case.source, *case.others)):
            told = told_in_full(Annotation.model_validate(annotation))
            yield case, replace(case, text=f"Change the clip so that it becomes this one. {told}")


def told_in_full(annotation: Annotation) -> str:
    """All that an annotation says, in sentences."""
    seen, heard = annotation.seen, annotation.heard
    sounds = ", ".join(f"{sound.name} {sound.when}" for sound in heard.sounds)
    points = {
        "The scene is": seen.scene, "One sees": ", ".join(seen.objects), "What happens:": seen.action,
        "The camera:": seen.camera, "The screen reads": ", ".join(seen.text), "Somebody says:": heard.speech.content,
        "The language is": heard.speech.language, "The voice is": ", ".join(heard.speech.voice),
        "The music is": heard.music, "One hears": sounds, "How the sound goes on:": heard.course,
    }  # fmt: skip
    return " ".join(f"{name} {text.strip().rstrip('.')}." for name, text in points.items() if text.strip())


def _part(count: int, i: int, parts: int) -> int:
    """The size of part i where `count` is divided as equally as may be."""
    return count // parts + (i < count % parts)

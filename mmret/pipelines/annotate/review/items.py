"""What people are shown: triplets, and controls among them that they cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

from ....items import text_digest
from ..project import Project
from ..records import Instruction, Kind, PairRow, Verdict
from ..verify import Findings


@dataclass(frozen=True)
class Item:
    """A triplet or a control to vote on.

    Parameters
    ----------
    id: of the pair, or a hash like it.
    source, target: ids of clips.
    text: the modification text that is asked.
    kind: of the pair, or of the one that a control was made of.
    phrasings: further texts of the pair. A control has none, and would be known by it: they are shown after the vote.
    verdicts: what judges say; shown after the vote too.
    """

    id: str
    source: str
    target: str
    text: str
    kind: Kind
    phrasings: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def items_of(project: Project) -> list[Item]:
    """All that people are to vote on, in an order that the ids and the seed decide: controls come anywhere."""
    kinds = {pair.id: pair.kind for pair in project.accepted("mine", PairRow)}
    texts = {one.pair: one.phrasings for one in project.accepted("write", Instruction)}
    found = Findings(project)
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in found.verdicts:
        verdicts.setdefault(verdict.pair, []).append(verdict)
    shown = [(case, case.id) for case in found.cases]
    shown += [(control.case, control.of) for control in found.human_controls]
    items = [
        Item(
            case.id, case.source.clip.id, case.target.clip.id, case.text, kinds[of],
            tuple(texts.get(case.id, ())[1:]), tuple(verdicts.get(case.id, ())),
        )
        for case, of in shown
    ]  # fmt: skip
    seed = project.config.review.seed
    return sorted(items, key=lambda item: text_digest(f"{seed} {item.id}"))

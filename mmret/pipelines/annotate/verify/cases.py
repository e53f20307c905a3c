"""The triplets of a project as cases for judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ....items import text_digest
from ..project import Project
from ..records import Clip, Description, Instruction, PairRow
from .judge import Case, Side


def cases_of(project: Project) -> list[Case]:
    """All pairs that have a text, with others of the same split, sorted by id."""
    clips = {clip.id: clip for clip in project.accepted("segment", Clip)}
    told = {one.clip: one for one in project.accepted("describe", Description)}
    sides = {name: Side(clips[name], told[name]) for name in sorted(clips.keys() & told.keys())}
    texts = {one.pair: one.phrasings[0] for one in project.accepted("write", Instruction)}
    pairs = [pair for pair in project.accepted("mine", PairRow) if pair.id in texts]
    pairs = [pair for pair in pairs if pair.source in sides and pair.target in sides]
    crowd = _Crowd(list(sides.values()), pairs)
    count = project.config.verify.others
    return [
        Case(
            pair.id, sides[pair.source], sides[pair.target], texts[pair.id],
            tuple(sides[name] for name in crowd.others(pair, count)),
        )
        for pair in sorted(pairs, key=lambda pair: pair.id)
    ]  # fmt: skip


class _Crowd:
    """Where other clips of a case come from."""

    def __init__(self, sides: Sequence[Side], pairs: Sequence[PairRow]) -> None:
        self._of_original: dict[str, list[Clip]] = defaultdict(list)
        for side in sides:
            self._of_original[side.clip.original].append(side.clip)
        self._clips = {side.clip.id: side.clip for side in sides}
        in_split: dict[str, set[str]] = defaultdict(set)
        for pair in pairs:
            in_split[pair.split] |= {pair.source, pair.target}
        self._in_split = {split: sorted(names) for split, names in in_split.items()}

    def others(self, pair: PairRow, count: int) -> list[str]:
        """The clips of the target's original that are nearest to it in time, for half; the rest drawn by a hash."""
        target, own = self._clips[pair.target], {pair.source, pair.target}
        near = sorted(
            (clip for clip in self._of_original[target.original] if clip.id not in own),
            key=lambda clip: (abs(clip.start - target.start), clip.id),
        )
        found = [clip.id for clip in near[: count // 2]]
        crowd, taken = self._in_split[pair.split], {*own, *found}
        start = int(text_digest(pair.id)[:12], 16) % len(crowd)
        for step in range(len(crowd)):
            if len(found) == count:
                break
            name = crowd[(start + step) % len(crowd)]
            if name not in taken:
                taken.add(name)
                found.append(name)
        return found

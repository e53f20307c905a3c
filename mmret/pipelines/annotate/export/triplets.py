"""Which triplets go out: those of one split whose standing is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ....benchmarks.omnicvr import query_id
from ..describe import Annotation
from ..project import Project
from ..records import Clip, Description, Instruction, PairRow, TripletStatus
from ..verify import Findings


@dataclass(frozen=True)
class Triplet:
    """A query of the benchmark.

    Parameters
    ----------
    id: of the query, made of what it asks.
    pair: its clips and kind.
    texts: the modification in several phrasings; the first is asked.
    status: what became of it.
    slices: labels beside its kind: the status, and what is heard in the target where only the sound changes.
    """

    id: str
    pair: PairRow
    texts: list[str]
    status: TripletStatus
    slices: list[str]


@dataclass(frozen=True)
class Chosen:
    """What goes out.

    Parameters
    ----------
    triplets: sorted by id.
    left_out: why others do not go out → their number.
    """

    triplets: list[Triplet]
    left_out: Mapping[str, int]


def file_of(clip: str) -> str:
    """The name of a clip in the benchmark."""
    return f"{clip}.mp4"


def choose(project: Project) -> Chosen:
    """The triplets of a project that its `[export]` asks for.

    Of those that ask the same of the same source for different targets none goes out: the answer would be ambiguous.
    """
    settings = project.config.export
    clips = {clip.id for clip in project.accepted("segment", Clip)}
    told = {one.clip: Annotation.model_validate(one.annotation) for one in project.accepted("describe", Description)}
    pairs = {pair.id: pair for pair in project.accepted("mine", PairRow)}
    texts = {one.pair: one.phrasings for one in project.accepted("write", Instruction)}
    fit, left_out = [], Counter[str]()
    for name, standing in Findings(project).standings.items():
        pair = pairs.get(name)
        if pair is None or not {pair.source, pair.target} <= clips & told.keys():
            left_out["its clips or its pair are no more; run the stages again"] += 1
        elif pair.split != settings.split:
            left_out[f"of the split {pair.split}"] += 1
        elif standing.label not in settings.status:
            left_out[standing.reason.partition(":")[0] or standing.label] += 1
        else:
            query = query_id(file_of(pair.source), texts[name][0])
            slices = [standing.label, *_heard(pair, told[pair.target])]
            fit.append(Triplet(query, pair, texts[name], standing.label, slices))
    asked = Counter(one.id for one in fit)
    alone = sorted((one for one in fit if asked[one.id] == 1), key=lambda one: one.id)
    if len(alone) < len(fit):
        left_out["the same is asked of the same source for another target"] = len(fit) - len(alone)
    return Chosen(alone, dict(left_out.most_common()))


def _heard(pair: PairRow, target: Annotation) -> list[str]:
    """Speech, music or sound, as OmniCVR tells its audio-center queries apart; none where nothing is heard."""
    if pair.kind != "audio-center":
        return []
    heard = target.heard
    kinds = {"speech": heard.speech.content.strip(), "music": heard.music.strip(), "sound": heard.sounds}
    return [kind for kind, there in kinds.items() if there][:1]

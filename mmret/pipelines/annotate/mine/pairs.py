"""Pairs out of vectors: candidates, conditions, and a draw among what passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....items import text_digest
from ..config import Mine
from ..gates import Condition, Space
from ..records import Kind, PairRow, Split
from .calibration import Calibration, Cosines, calibrate, random_cosines, random_pairs
from .moments import Moments, Pairs
from .similarity import Matrix, cosines, near_pairs
from .splits import SPLITS

CHUNK = 1 << 16  # candidates looked at together
Vectors = Mapping[Space, Matrix]


@dataclass(frozen=True)
class Taken:
    """The pairs of one kind in one split, as arrays of one length.

    Parameters
    ----------
    pairs: source and target, int64 `(m, 2)`, as numbers of clips.
    visual, audio: cosines, float32 `(m,)`.
    """

    kind: Kind
    split: Split
    pairs: Pairs
    visual: NDArray[np.float32]
    audio: NDArray[np.float32]


@dataclass(frozen=True)
class Mined:
    """What mining found.

    Parameters
    ----------
    ids: of the clips.
    taken: the pairs.
    calibration: how the similarities lie.
    funnel: for each kind how many candidates there were, how many of them fell out by what, and how many were taken.
    """

    ids: list[str]
    taken: list[Taken]
    calibration: Calibration
    funnel: dict[Kind, dict[str, int]]

    def rows(self) -> Iterator[PairRow]:
        """The pairs; the id of one is a hash of those of its clips."""
        for some in self.taken:
            for (a, b), visual, audio in zip(some.pairs.tolist(), some.visual, some.audio, strict=True):
                source, target = self.ids[a], self.ids[b]
                yield PairRow(
                    id=text_digest(f"{source} {target}")[:16], source=source, target=target, kind=some.kind,
                    visual=round(float(visual), 4), audio=round(float(audio), 4), split=some.split,
                )  # fmt: skip


def gates_of(settings: Mine) -> dict[Kind, list[str]]:
    """The conditions of each kind; a pair that passes those of several is of the first."""
    return {
        "audio-center": settings.audio_center,
        "visual-center": settings.visual_center,
        "integrated": settings.integrated,
    }


def calibrated(moments: Moments, vectors: Vectors, settings: Mine) -> tuple[Calibration, Cosines]:
    """How similar random pairs of clips are, and their cosines, which bounds given as shares need."""
    sample = random_pairs(moments, settings.sampled, settings.apart, settings.seed)
    random = random_cosines(vectors, sample)
    one_original = moments.original[sample[:, 0]] == moments.original[sample[:, 1]]
    return calibrate(random, one_original, gates_of(settings)), random


def mine(moments: Moments, splits: Sequence[Split], vectors: Vectors, settings: Mine, *, show: bool = False) -> Mined:
    """Pairs of clips of one split that pass the conditions of a kind.

    Parameters
    ----------
    moments: the clips, sorted by id.
    splits: of each clip.
    vectors: for each space unit vectors float32 `(n, d)`.

    Where the candidates come from follows from the conditions: the nearest neighbours in a space in which clips are to
    be alike, clips of one original where that is enough, and random clips where neither is wanted. Among what passes
    it is drawn what is taken, and which clip is the source, so the conditions alone decide what pairs are like; a clip
    is source, and target, of at most so many pairs of a kind. The same clips and settings give the same pairs.
    """
    calibration, random = calibrated(moments, vectors, settings)
    gates = gates_of(settings)
    funnel: dict[Kind, dict[str, int]] = {kind: {} for kind in gates}
    taken, label = [], np.array(splits)
    for split in SPLITS:
        rows = np.flatnonzero(label == split)
        if not len(rows):
            continue
        whole = len(rows) == len(moments)
        own = dict(vectors) if whole else {space: one[rows] for space, one in vectors.items()}
        there, seen = moments if whole else moments.take(rows), np.zeros(0, np.int64)
        for kind, texts in gates.items():
            conditions = [Condition.parse(text).resolved(random) for text in texts]
            one = _Kind(there, own, conditions, settings, funnel[kind])
            pairs = one.passing(one.candidates(f"{kind} {split}", show=show))
            pairs = pairs[~np.isin(_number(pairs, len(there)), seen)]
            seen = np.concatenate([seen, _number(pairs, len(there))])
            chosen = draw(there, pairs, settings)
            one.count("passed, not drawn", len(pairs) - len(chosen))
            one.count("taken", len(chosen))
            found = {space: cosines(own[space], chosen) for space in own}
            taken.append(Taken(kind, split, rows[chosen], found["visual"], found["audio"]))
    return Mined(moments.ids, taken, calibration, funnel)


@dataclass(frozen=True)
class _Kind:
    """The search for pairs of one kind among the clips of one split; `funnel` is added to."""

    moments: Moments
    vectors: Vectors
    conditions: Sequence[Condition]
    settings: Mine
    funnel: dict[str, int]

    def count(self, what: str, number: int) -> None:
        self.funnel[what] = self.funnel.get(what, 0) + number

    def candidates(self, label: str, *, show: bool) -> Pairs:
        """Pairs that may pass, int64 `(m, 2)`, each once, the smaller number first."""
        found = []
        alike = next((one for one in self.conditions if one.above), None)
        if alike is not None:
            vectors, nearest = self.vectors[alike.space], self.settings.nearest
            near = near_pairs(vectors, alike.bound, nearest, label=label, show=show)
            self.count("clips with more neighbours than looked at", near.cut)
            found.append(near.pairs)
        if any(one.same_original for one in self.conditions):
            found.append(same_original(self.moments, self.settings.nearest, self.settings.seed))
        if not found:
            count = len(self.moments)
            others = np.random.default_rng(self.settings.seed).integers(0, count, (count, self.settings.drawn))
            found.append(np.stack([np.repeat(np.arange(count), self.settings.drawn), others.ravel()], axis=1))
        numbers = np.unique(_number(np.sort(np.concatenate(found), axis=1), len(self.moments)))
        return np.stack(np.divmod(numbers, len(self.moments)), axis=1)

    def passing(self, pairs: Pairs) -> Pairs:
        """The candidates that pass; what they fall out by is counted."""
        self.count("candidates", len(pairs))
        apart = pairs[self.moments.apart(pairs, self.settings.apart)]
        self.count("the same moment", len(pairs) - len(apart))
        for condition in self.conditions:
            kept = [apart[:0]]
            for start in range(0, len(apart), CHUNK):
                some = apart[start : start + CHUNK]
                one_original = self.moments.original[some[:, 0]] == self.moments.original[some[:, 1]]
                kept.append(some[condition.passes(cosines(self.vectors[condition.space], some), one_original)])
            passed = np.concatenate(kept)
            self.count(f"not {condition}", len(apart) - len(passed))
            apart = passed
        return apart


def same_original(moments: Moments, most: int, seed: int) -> Pairs:
    """Pairs of clips of one original, int64 `(m, 2)`: all, or for each clip `most` drawn where there are more."""
    generator, found = np.random.default_rng(seed), [np.zeros((0, 2), np.int64)]
    order = np.argsort(moments.original, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(moments.original[order])) + 1):
        if len(rows) <= most + 1:
            places = np.stack(np.triu_indices(len(rows), 1), axis=1)
        else:
            others = generator.integers(0, len(rows), (len(rows), most))
            places = np.stack([np.repeat(np.arange(len(rows)), most), others.ravel()], axis=1)
        found.append(rows[places])
    return np.concatenate(found)


def draw(moments: Moments, pairs: Pairs, settings: Mine) -> Pairs:
    """Some of the pairs, directed from source to target, within the limits of a source, a target and a kind."""
    keys = moments.keys(pairs)
    first = np.argmin(moments.key[pairs], axis=1)
    swapped = (keys & np.uint64(1)).astype(np.int64) ^ first  # the direction depends on no order either
    directed = np.take_along_axis(pairs, np.stack([swapped, 1 - swapped], axis=1), axis=1)
    directed = directed[np.argsort(keys, kind="stable")]
    sources, targets = np.zeros(len(moments), np.int64), np.zeros(len(moments), np.int64)
    taken: list[int] = []
    most = len(pairs) if settings.most is None else settings.most
    for start in range(0, len(directed), CHUNK):
        for place, (source, target) in enumerate(directed[start : start + CHUNK].tolist(), start):
            if len(taken) >= most:
                break
            if sources[source] < settings.per_source and targets[target] < settings.per_target:
                sources[source] += 1
                targets[target] += 1
                taken.append(place)
    return directed[taken]


def _number(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """A number for each pair of `count` clips, int64 `(m,)`."""
    return pairs[:, 0] * count + pairs[:, 1]

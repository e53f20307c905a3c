from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from mmret.benchmarks.ragged import Ragged
from mmret.errors import InputError
from mmret.evaluation.ranks import VectorSets, count_maxsim, gallery_scores, maxsim, top_k

from .slow import awkward, lists, probes_of, single, standing, true_maxsim


def cut(random: np.random.Generator, vectors: np.ndarray) -> VectorSets:
    """Random sets out of consecutive vectors, none empty."""
    inner = np.flatnonzero(random.random(len(vectors) - 1) < 0.4) + 1
    return VectorSets(vectors, np.array([0, *inner, len(vectors)]))


def item(sets: VectorSets, i: int) -> np.ndarray:
    return np.asarray(sets.vectors[sets.offsets[i] : sets.offsets[i + 1]])


def sets_of(random: np.random.Generator, kind: int, most: int = 14) -> tuple[VectorSets, VectorSets]:
    n, documents, d = (int(x) for x in random.integers(1, [8, most, 7]))
    queries, rest = awkward(random, kind, n, documents, d)
    if kind % 3 == 0:  # some documents twice, vectors in the same order
        rest = np.concatenate([rest, rest])
        right = cut(random, rest[: len(rest) // 2])
        return cut(random, queries), VectorSets(rest, np.append(right.offsets, right.offsets[1:] + right.offsets[-1]))
    return cut(random, queries), cut(random, rest)


@pytest.mark.parametrize("seed", range(4))
def test_ranks_are_those_of_exact_arithmetic(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    for kind in range(80):
        queries, documents = sets_of(random, kind)
        gallery = [None, lists(random, len(documents), 1, 1), lists(random, len(documents), len(queries), 1)][kind % 3]
        probes = probes_of(random, len(documents), len(queries), gallery)
        everything = np.arange(len(documents))
        scores = [
            {int(c): true_maxsim(item(queries, i), item(documents, c)) for c in own}
            for i in range(len(queries))
            for own in [everything if gallery is None else gallery[i % len(gallery)]]
        ]
        monkeypatch.setattr(maxsim, "LEFT", int(random.integers(1, 9)))
        monkeypatch.setattr(maxsim, "RIGHT", int(random.integers(1, 9)))
        for device in ("cpu", "numpy", "torch"):
            got = count_maxsim(queries, documents, probes, gallery=gallery, device=device)
            assert [x.tolist() for x in got] == list(standing(scores, probes))


def test_negative_scores_do_not_lose_to_padding() -> None:
    """The shorter document is better though all products are below 0; rows of zeros would have won."""
    queries = VectorSets(np.array([[1, 0]], np.float32), np.array([0, 1]))
    documents = VectorSets(np.array([[-1, 0], [-2, 0], [-3, 0], [-4, 0]], np.float32), np.array([0, 1, 4]))
    greater, tied = count_maxsim(queries, documents, Ragged.of([[0, 1]]))
    assert (greater.tolist(), tied.tolist()) == ([0, 1], [1, 1])


def test_scores_and_best_documents_are_true() -> None:
    random = np.random.default_rng(9)
    for kind in range(60):
        queries, documents = sets_of(random, kind)
        scores = [
            [true_maxsim(item(queries, i), item(documents, c)) for c in range(len(documents))]
            for i in range(len(queries))
        ]
        rounded = np.array([[single(one) for one in row] for row in scores])
        got = gallery_scores(queries, documents)
        np.testing.assert_array_equal(got, rounded.ravel())
        positions, values = top_k(queries, documents, 3)
        for i, row in enumerate(scores):
            order = sorted(range(len(row)), key=lambda c: (-row[c], c))[:3]
            assert positions[i, : len(order)].tolist() == order
            assert values[i, : len(order)].tolist() == rounded[i, order].tolist()


def test_narrow_vectors_are_widened() -> None:
    random = np.random.default_rng(1)
    queries, documents = sets_of(random, 9, 40)
    probes = Ragged.of([[i % len(documents)] for i in range(len(queries))])
    narrow = [VectorSets(torch.from_numpy(s.vectors).bfloat16(), s.offsets) for s in (queries, documents)]
    wide = [VectorSets(s.vectors.float().numpy(), s.offsets) for s in narrow]
    assert [x.tolist() for x in count_maxsim(*narrow, probes)] == [x.tolist() for x in count_maxsim(*wide, probes)]


@pytest.mark.parametrize(
    ("vectors", "offsets", "message"),
    [
        (np.ones((3, 2), np.float32), [0, 1, 1, 3], "1 document items without a vector: y"),
        (np.ones((3, 2), np.float32), [0, 1, 2], "offsets do not cut 3 vectors"),
        (np.ones((3, 5), np.float32), [0, 1, 2, 3], "queries have 2 dimensions and documents 5"),
        (np.array([[1, 1], [1, 1], [1, np.nan]], np.float32), [0, 1, 3], "in 1 document vectors: y (vector 1)"),
    ],
)
def test_refusals(vectors: np.ndarray, offsets: list[int], message: str) -> None:
    queries = VectorSets(np.ones((2, 2), np.float32), np.array([0, 1, 2]))
    with pytest.raises(InputError, match=re.escape(message)):
        count_maxsim(queries, VectorSets(vectors, np.array(offsets)), Ragged.of([[0], [0]]), document_ids=list("xyz"))
    with pytest.raises(InputError, match="one side"):
        top_k(queries, np.ones((2, 2), np.float32), 1)

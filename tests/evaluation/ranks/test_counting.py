from __future__ import annotations

import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from mmret.benchmarks.ragged import Ragged
from mmret.errors import InputError, RunError
from mmret.evaluation.measures import Measure
from mmret.evaluation.ranks import Counts, candidates, count, products, without

from .slow import awkward, cases, lists, probes_of, standing, true_scores


@pytest.mark.parametrize("seed", range(8))
def test_ranks_are_those_of_exact_arithmetic(seed: int) -> None:
    for random, queries, documents, gallery, probes in cases(120, seed):
        expected = standing(true_scores(queries, documents, gallery), probes)
        budget = int(random.choice([1, 3000, 10**8]))
        for device in ("cpu", "numpy", "torch"):
            got = count(queries, documents, probes, gallery=gallery, max_bytes=budget, device=device)
            assert [x.tolist() for x in got] == list(expected)


def wide(seed: int, kind: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray, Ragged, Ragged]:
    """More queries and documents than a tile and a block hold under a small budget."""
    random = np.random.default_rng(seed)
    queries, documents = awkward(random, kind, 70, 300, 48)
    gallery = lists(random, 300, 70, 1)
    return random, queries, documents, gallery, probes_of(random, 300, 70, gallery)


@pytest.mark.parametrize("kind", range(10))
def test_nothing_depends_on_blocks_order_or_storage(kind: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random, queries, documents, gallery, probes = wide(kind, kind)
    expected = count(queries, documents, probes, gallery=gallery)
    for budget, chunk in ((1, 1 << 18), (20_000, 100), (10**9, 1)):
        monkeypatch.setattr(candidates, "CHUNK", chunk)
        for device in ("numpy", "torch"):
            same(count(queries, documents, probes, gallery=gallery, max_bytes=budget, device=device), expected)
    order, back = random.permutation(300), np.empty(300, np.int32)
    back[order] = np.arange(300)
    moved = [Ragged(some.offsets, back[some.positions]) for some in (gallery, probes)]
    same(count(queries, documents[order], moved[1], gallery=moved[0]), expected)
    np.save(tmp_path / "documents.npy", documents)
    mapped = np.load(tmp_path / "documents.npy", mmap_mode="r")
    for device in ("numpy", "torch"):
        same(count(queries, mapped, probes, gallery=gallery, device=device), expected)
    same(count(torch.from_numpy(queries), torch.from_numpy(documents), probes, gallery=gallery), expected)
    reverse = np.arange(70)[::-1]
    shuffled = [Ragged.of([some[i] for i in reverse]) for some in (probes, gallery)]
    got = count(queries[reverse], documents, shuffled[0], gallery=shuffled[1])
    per_query = [np.split(x, probes.offsets[1:-1]) for x in expected]
    same(got, tuple(np.concatenate(x[::-1]) for x in per_query))


def same(got: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_sparse_lists_are_decided_pair_by_pair() -> None:
    random, queries, documents, _, _ = wide(3, 0)
    gallery = Ragged.of([random.choice(300, 3, replace=False) for _ in queries])
    probes = Ragged.of([own[:2] for own in gallery])
    assert [x.tolist() for x in count(queries, documents, probes, gallery=gallery)] == list(
        standing(true_scores(queries, documents, gallery), probes)
    )


@pytest.mark.parametrize("device", ["numpy", "torch"])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_narrow_vectors_are_widened(kind: torch.dtype, device: str) -> None:
    _, queries, documents, gallery, probes = wide(1, 9)
    narrow = [torch.from_numpy(side).to(kind) for side in (queries, documents)]
    expected = count(*(side.float().numpy() for side in narrow), probes, gallery=gallery)
    same(count(*narrow, probes, gallery=gallery, device=device), expected)
    if kind == torch.float16:
        same(count(*(side.numpy() for side in narrow), probes, gallery=gallery, device=device), expected)


def test_reduced_precision_around_us_changes_nothing() -> None:
    _, queries, documents, gallery, probes = wide(2, 0)
    expected = count(queries, documents, probes, gallery=gallery)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", torch.bfloat16):
            same(count(queries, documents, probes, gallery=gallery, device="torch"), expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_a_product_that_breaks_its_bound_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def coarse(left: np.ndarray, device: str) -> products.Product:
        return lambda right: left.astype(np.float16).astype(np.float32) @ right.T

    monkeypatch.setattr("mmret.evaluation.ranks.scorers.product", coarse)
    random = np.random.default_rng(0)
    queries, documents = random.random((20, 64), np.float32), random.random((50, 64), np.float32)
    with pytest.raises(RunError, match="TF32"):
        count(queries, documents, Ragged.of([[i] for i in range(20)]))


SCRIPT = """
import sys, zlib, numpy as np
from mmret.benchmarks.ragged import Ragged
from mmret.evaluation.ranks import count
from mmret.evaluation.ranks import top_k
random = np.random.default_rng(5)
documents = random.standard_normal((40, 200), np.float32)[random.integers(0, 40, 900)]
documents[::3] = np.nextafter(documents[::3], np.float32(9))
queries = random.standard_normal((150, 200), np.float32)
for device in sys.argv[1:]:
    found = count(queries, documents, Ragged.of([[i] for i in range(150)]), device=device)
    best = top_k(queries, documents, 30, device=device)
    print(zlib.crc32(b"".join(x.tobytes() for x in (*found, *best))))
"""


def test_threads_and_blas_kernels_change_nothing() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS", "OMP"))}
    told = [
        subprocess.check_output([sys.executable, "-c", SCRIPT, *devices], env=clean | some, text=True).split()
        for devices, some in (
            (("numpy", "torch"), {}),
            (("numpy", "torch"), {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}),
            (("numpy",), {"OPENBLAS_CORETYPE": "Haswell"}),
            (("numpy",), {"OPENBLAS_CORETYPE": "Prescott"}),
        )
    ]
    assert [len(some) for some in told] == [2, 2, 1, 1]
    assert len({digest for some in told for digest in some}) == 1


def test_one_vector_for_all_gives_exactly_the_random_expectation() -> None:
    for n in (3, 7, 49, 500):
        vectors = np.full((n, 5), 0.1, np.float32)
        probes = Ragged.of([[i] for i in range(n)])
        greater, tied = count(vectors, vectors, probes)
        counts = Counts(probes.rows.astype(np.int32), np.ones(n), greater, tied, np.full(n, n))
        assert set(Measure.parse("R@1")(counts).expected.tolist()) == {1 / n}
        assert Measure.parse("R@1").aggregate(Measure.parse("R@1")(counts).expected) == 1 / n


def test_collapsed_vectors_are_handled_in_bulk() -> None:
    """Millions of ties, by copies and by queries of zeros, without a pair looked at by itself."""
    random = np.random.default_rng(0)
    queries = random.standard_normal((600, 16), np.float32)
    probes = Ragged.of([[i] for i in range(600)])
    greater, tied = count(queries, np.ones((4000, 16), np.float32), probes)
    assert greater.sum() == 0
    assert set(tied.tolist()) == {4000}
    greater, tied = count(queries * 0, random.standard_normal((4000, 16), np.float32), probes)
    assert greater.sum() == 0
    assert set(tied.tolist()) == {4000}


def test_without_equals_counting_again() -> None:
    tried = 0
    for _, queries, documents, gallery, probes in cases(400, 20):
        scores = true_scores(queries, documents, gallery)
        for row, own in enumerate(scores):
            for source in list(own)[:3]:
                rest = {c: score for c, score in own.items() if c != source}
                for probe in probes[row].tolist():
                    if probe != source:
                        whole = np.array([standing([own], Ragged.of([[one]])) for one in (probe, source)])[:, :, 0]
                        again = without(*whole[:1].T, *whole[1:].T)
                        expected = standing([rest], Ragged.of([[probe]]))
                        assert [x.tolist() for x in again] == list(expected)
                        tried += 1
    assert tried > 1000


def test_without_leaves_what_is_not_there() -> None:
    greater, tied = np.array([-1, 4, 4]), np.array([0, 2, 2])
    again = without(greater, tied, np.array([0, -1, 4]), np.array([1, 0, 2]))
    assert [x.tolist() for x in again] == [[-1, 4, 4], [0, 2, 1]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["query", "document"])
def test_nan_and_infinity_are_refused_wherever_they_are(value: float, side: str) -> None:
    random = np.random.default_rng(0)
    for _ in range(30):
        n, documents, d = (int(x) for x in random.integers(1, [30, 200, 70]))
        sides = {"query": random.random((n, d), np.float32), "document": random.random((documents, d), np.float32)}
        bad = sides[side]
        places = np.unique(random.integers(0, len(bad), random.integers(1, 40)))
        bad[places, random.integers(0, d, len(places))] = value
        ids = {"query": [f"q{i}" for i in range(n)], "document": [f"d{i}" for i in range(documents)]}
        names = ", ".join(ids[side][i] for i in places[:10])
        with pytest.raises(InputError, match=re.escape(f"in {len(places)} {side} vectors: {names}") + "$"):
            count(
                sides["query"],
                sides["document"],
                Ragged.of([[0]] * n),
                query_ids=ids["query"],
                document_ids=ids["document"],
            )


def ones(n: int, d: int = 2) -> np.ndarray:
    return np.ones((n, d), np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": ones(2, 3)}, "3 dimensions and documents 2"),
        ({"queries": np.ones(2, np.float32)}, "shape"),
        ({"queries": ones(2).astype(float)}, "float64"),
        ({"documents": torch.ones(4, 2, dtype=torch.float64)}, "float64"),
        ({"probes": Ragged.of([[0]])}, "1 lists of positives for 2 queries"),
        ({"probes": Ragged.of([[0], [4]])}, "1 positions of the positives beyond the 4 documents: 4"),
        ({"gallery": Ragged.of([[0, 1], [0], [1]])}, "3 galleries for 2 queries"),
        ({"gallery": Ragged.of([[0, 1], [0, -1]])}, "1 positions of the gallery beyond the 4 documents: -1"),
        ({"gallery": Ragged.of([[0, 1], []])}, "no candidate in the gallery of 1 queries: b"),
        ({"gallery": Ragged.of([[]])}, "no candidate in the gallery of all queries"),
        ({"gallery": Ragged.of([[0, 1], [1, 0, 1]])}, "a document twice in the gallery of 1 queries: b"),
        ({"gallery": Ragged.of([[0, 1, 0]])}, "a document twice in the gallery of all queries"),
        ({"gallery": Ragged.of([[0, 1], [2, 3]])}, "1 positives or sources outside the gallery: document 1 of query b"),
        ({"gallery": Ragged.of([[2, 3]])}, "2 positives or sources outside the gallery: document 0 of query a"),
    ],
)
def test_refusals(change: dict[str, object], message: str) -> None:
    inputs = {"queries": ones(2), "documents": ones(4), "probes": Ragged.of([[0], [1]]), "gallery": None}
    with pytest.raises(InputError, match=re.escape(message)):
        count(**(inputs | change), query_ids=["a", "b"])


def test_empty_inputs() -> None:
    greater, tied = count(ones(0), ones(4), Ragged.of([]))
    assert len(greater) == len(tied) == 0
    greater, _ = count(ones(2), ones(4), Ragged.of([[], []]))
    assert len(greater) == 0


def test_a_galleries_only_check_still_happens_without_probes() -> None:
    with pytest.raises(InputError, match="twice"):
        count(ones(2), ones(4), Ragged.of([[], []]), gallery=Ragged.of([[0], [1, 1]]))


def test_close_calls_are_rare_on_ordinary_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactness stays cheap: about ten close calls a query, hardly any exact sum."""
    from mmret.evaluation.ranks.scorers import Dot

    random = np.random.default_rng(0)
    vectors = random.standard_normal((3000, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    seen = {"pairs": 0, "exact": 0}
    for name in seen:
        original = getattr(Dot, name)

        def spy(self: Dot, queries: np.ndarray, *rest: object, name: str = name, original: object = original) -> object:
            seen[name] += len(queries)
            return original(self, queries, *rest)

        monkeypatch.setattr(Dot, name, spy)
    count(vectors[:500], vectors, Ragged.of([[i + 1] for i in range(500)]))
    assert seen["pairs"] < 500 * 10
    assert seen["exact"] == 0


def test_the_true_score_of_a_probe_is_the_measure() -> None:
    """A float32 product would put the probe below its near-copy or tie them; in truth it is above by 2**-40."""
    document = np.array([[1, 2.0**-20], [1, 0]], np.float32)
    query = np.array([[1, 2.0**-20]], np.float32)
    assert Fraction(1) + Fraction(2) ** -40 > 1
    assert np.float32(1 + 2.0**-40) == 1
    greater, tied = count(query, document, Ragged.of([[1]]))
    assert (greater.tolist(), tied.tolist()) == ([1], [1])

"""What is publicly known of a benchmark, and that it is the same with labels and without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmret.benchmarks import Exclusions, Ragged, load_benchmark
from mmret.errors import InputError
from mmret.leaderboard.submissions import Ground


def _equal(first: Ground, second: Ground) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("name", "version", "digest", "queries", "documents", "source", "view")
    ) and (
        first.galleries is second.galleries
        if first.galleries is None or second.galleries is None
        else np.array_equal(first.galleries.offsets, second.galleries.offsets)
        and np.array_equal(first.galleries.positions, second.galleries.positions)
    )


@pytest.mark.parametrize("change", [{}, {"galleries": None}, {"source": None}, {"galleries": Ragged.of([range(9)])}])
def test_saved_and_loaded(ground: Ground, tmp_path: Path, change: dict[str, None]) -> None:
    changed = replace(ground, **change, view="title=text,content=image")
    changed.save(tmp_path / "ground.parquet")
    assert _equal(Ground.load(tmp_path / "ground.parquet"), changed)


def test_of_a_benchmark(small: Path) -> None:
    benchmark = load_benchmark(str(small))
    known = Ground.of(benchmark)
    assert known.queries == [item.id for item in benchmark.queries]
    assert known.digest == benchmark.ground_digest != benchmark.digest
    assert known.gallery_sizes.tolist() == [6] * 6


def test_digest_knows_what_is_asked_and_not_what_is_right(small: Path) -> None:
    benchmark = load_benchmark(str(small))
    other = replace(benchmark, positives=Ragged.of([[(i + 2) % 6] for i in range(6)]))
    assert other.digest != benchmark.digest
    assert other.ground_digest == benchmark.ground_digest
    queries = [replace(benchmark.queries[0], text="another"), *benchmark.queries[1:]]
    changed = [
        replace(benchmark, queries=queries),
        replace(benchmark, galleries=None),
        replace(benchmark, source=None),
        replace(benchmark, documents=[replace(one, text="more") for one in benchmark.documents]),
    ]
    assert len({one.ground_digest for one in (benchmark, *changed)}) == 5


def test_excluded_items_are_not_asked(small: Path) -> None:
    benchmark = load_benchmark(str(small))
    excluded = Exclusions([], [{"id": "query-2", "reason": "its source is broken"}])
    known = Ground.of(replace(benchmark, excluded=excluded))
    assert known.queries == [f"query-{i}" for i in (0, 1, 3, 4, 5)]
    assert known.digest == benchmark.ground_digest


def test_damaged_files_are_named(ground: Ground, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "ground.parquet"
    with pytest.raises(InputError, match="no such file"):
        Ground.load(path)
    for content in (b"", b"PAR1" * 9):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"ground.parquet: no ground"):
            Ground.load(path)
    for wrong in (
        replace(ground, queries=ground.queries[::-1]),
        replace(ground, documents=ground.documents[:10]),
        replace(ground, source=np.full(30, 50, np.int32)),
        replace(ground, galleries=Ragged.of([[0], [1]])),
    ):
        wrong.save(path)
        with pytest.raises(InputError, match="no ground"):
            Ground.load(path)
    ground.save(path)
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(InputError, match="another kind of file"):
        Ground.load(path)

"""What is packed is read as it was, and so is what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmret.benchmarks import Ragged, load_benchmark
from mmret.errors import InputError
from mmret.evaluation import Run, Settings, evaluate, read_run, write_run
from mmret.leaderboard.submissions import Ground, check, facts_of_result, pack, read_description, run_digest


def _scores(run: Run) -> dict[tuple[str, str], float]:
    rows = zip(run.lists.rows.tolist(), run.lists.positions.tolist(), run.scores.tolist(), strict=True)
    return {(run.queries[q], run.documents[d]): score for q, d, score in rows}


def _shuffled(run: Run) -> Run:
    """The same run with queries, documents and entries in another order, and documents that nobody lists."""
    rng = np.random.default_rng(5)
    queries, place = rng.permutation(len(run.queries)), rng.permutation(len(run.documents))
    documents = [""] * len(run.documents)
    for old, new in enumerate(place.tolist()):
        documents[new] = run.documents[old]
    lists, scores = [], []
    for query in queries:
        entries = rng.permutation(np.arange(*run.lists.offsets[query : query + 2]))
        lists.append(place[run.lists.positions[entries]])
        scores.append(run.scores[entries])
    names = [run.queries[query] for query in queries]
    return Run(names, [*documents, "never listed"], Ragged.of(lists), np.concatenate(scores))


def test_a_good_file_is_good(good: Path, ground: Ground) -> None:
    report = check(good, ground)
    assert report.ok
    assert list(report.faults) == []
    assert report.entries == 600
    assert report.description == read_description(good)


def test_it_is_read_as_any_run(good: Path, run: Run) -> None:
    assert _scores(read_run(good)) == _scores(run)


def test_order_does_not_matter(run: Run, facts: dict[str, Any], good: Path, tmp_path: Path) -> None:
    other = _shuffled(run)
    assert run_digest(other) == run_digest(run)
    pack(other, facts, tmp_path / "other.parquet")
    columns = [pq.read_table(path).to_pydict() for path in (good, tmp_path / "other.parquet")]
    assert columns[0] == columns[1]


def test_digest_is_of_the_content(run: Run) -> None:
    changed = run.scores.copy()
    changed[7] = np.nextafter(changed[7], np.float32(9))
    others = [
        Run(run.queries, run.documents, run.lists, changed),
        Run(["x", *run.queries[1:]], run.documents, run.lists, run.scores),
        Run(run.queries, ["x", *run.documents[1:]], run.lists, run.scores),
    ]
    assert len({run_digest(one) for one in (run, *others)}) == 4


def test_a_file_of_several_row_groups(
    monkeypatch: pytest.MonkeyPatch, run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path
) -> None:
    monkeypatch.setattr("mmret.leaderboard.submissions.form.GROUP_ROWS", 101)
    monkeypatch.setattr("mmret.leaderboard.submissions.rows.BATCH", 33)
    path = tmp_path / "run.parquet"
    description = pack(run, facts, path)
    assert pq.read_metadata(path).num_row_groups == 6
    report = check(path, ground)
    assert report.ok
    assert report.run_digest == description.run.digest == run_digest(run)


def test_trec_in_float64_is_rounded_once(run: Run, facts: dict[str, Any], ground: Ground, tmp_path: Path) -> None:
    exact = Run(run.queries, run.documents, run.lists, run.scores.astype(np.float64) + 1e-12)
    write_run(exact, tmp_path / "run.trec")
    read = read_run(tmp_path / "run.trec")
    assert read.scores.dtype == np.float64
    pack(read, facts, tmp_path / "run.parquet")
    assert check(tmp_path / "run.parquet", ground).ok
    assert _scores(read_run(tmp_path / "run.parquet")) == _scores(
        Run(run.queries, run.documents, run.lists, exact.scores.astype(np.float32))
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_scores_must_be_finite(run: Run, facts: dict[str, Any], tmp_path: Path, value: float) -> None:
    scores = run.scores.astype(np.float64)
    scores[25] = value
    with pytest.raises(InputError, match=r"not finite as float32: queries query-01$"):
        pack(Run(run.queries, run.documents, run.lists, scores), facts, tmp_path / "run.parquet")
    assert list(tmp_path.iterdir()) == []


def test_documents_must_not_repeat(run: Run, facts: dict[str, Any], tmp_path: Path) -> None:
    positions = run.lists.positions.copy()
    positions[41] = positions[45]
    twice = replace(run, lists=Ragged(run.lists.offsets, positions))
    with pytest.raises(InputError, match=r"twice: queries query-02$"):
        pack(twice, facts, tmp_path / "run.parquet")


def test_facts_must_fit(run: Run, facts: dict[str, Any], tmp_path: Path) -> None:
    facts["model"] |= {"link": "ftp://example.org", "track": "native-audio"}
    facts["rank"] = 1
    with pytest.raises(InputError, match=r"model\.link: .*http.*; rank: "):
        pack(run, facts, tmp_path / "run.parquet")


def test_name_of_the_file(run: Run, facts: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.parquet"):
        pack(run, facts, tmp_path / "run.zip")


def test_no_description_in_another_run(run: Run, tmp_path: Path) -> None:
    write_run(run, tmp_path / "run.parquet")
    with pytest.raises(InputError, match="no submission"):
        read_description(tmp_path / "run.parquet")


def test_settings_that_cannot_be_printed_are_escaped(tmp_path: Path) -> None:
    asked = load_benchmark("tarvir-mini", view="title=text,content=native")
    result = evaluate(asked, "bm25", Settings(limit=20))
    assert not result.record["settings"]["resolved"]["preprocessing"]["pattern"].isprintable()
    facts = facts_of_result(result.record)
    pack(result.run, facts, tmp_path / "a.submission.parquet")
    assert facts["settings"]["pattern"].isprintable()

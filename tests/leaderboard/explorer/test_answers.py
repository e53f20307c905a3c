from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmret.benchmarks import Benchmark
from mmret.errors import InputError
from mmret.evaluation import PROTOCOLS, Result, Settings, evaluate, load_result, pairs, scoring
from mmret.leaderboard.explorer import Facts, Hit, Study

from ...evaluation.wordy import wordy
from .conftest import NATIVE


def study_of(benchmark: Benchmark, *results: Result) -> Study:
    return Study.of(results, lambda view: benchmark)


def slow_hits(facts: Facts, result: Result, query: int, *, without_source: bool) -> list[Hit]:
    """All that the run lists for a query, best first, in the plainest way."""
    benchmark = facts.benchmark
    frame = result.run.frame()
    rows = frame[frame["query"] == benchmark.queries[query].id]
    place = {item.id: i for i, item in enumerate(benchmark.documents)}
    source = -1 if benchmark.source is None else int(benchmark.source[query])
    listed = [(place[str(name)], float(score)) for name, score in zip(rows.document, rows.score, strict=True)]
    listed = [one for one in listed if not (without_source and one[0] == source)]
    scores = [score for _, score in listed]
    hits = [
        Hit(
            document,
            score,
            sum(other > score for other in scores) + (scores.count(score) + 1) / 2,
            document in benchmark.positives[query],
            document == source,
        )
        for document, score in listed
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.document))


@pytest.mark.parametrize("model", ["overlap", "words"])
@pytest.mark.parametrize("galleries", [None, 0, 1])
def test_facts_are_what_the_run_says(model: str, galleries: int | None) -> None:
    """With ties, several right documents, sources and galleries of all kinds."""
    benchmark = wordy(galleries=galleries)
    result = evaluate(benchmark, model)
    study = study_of(benchmark, result)
    ran = PROTOCOLS[study.protocols[0]]
    for protocol in study.protocols:
        facts = study.facts(protocol)
        assert facts.listed[0] == (PROTOCOLS[protocol].everything == ran.everything)
        for query in range(len(benchmark.queries)):
            if not facts.listed[0]:
                assert facts.listing(0, query) is None
                assert facts.best[0, query] == -1
                continue
            hits = slow_hits(facts, result, query, without_source=PROTOCOLS[protocol].without_source)
            right = [hit for hit in hits if hit.right]
            sources = [hit for hit in hits if hit.source]
            listing = facts.listing(0, query, 5)
            assert listing is not None
            assert (listing.top, listing.right) == (hits[:5], right)
            assert listing.source == next(iter(sources), None)
            assert facts.candidates[query] == len(hits)
            assert facts.best[0, query] == hits[0].document
            assert facts.source_ahead[0, query] == any(hit.score > right[0].score for hit in sources)
            if model == "overlap":  # whose scores a run does not round
                level = sum(hit.score == right[0].score for hit in hits)
                assert facts.rank[0, query] == right[0].rank
                assert facts.tied[0, query] == (level > 1)
                assert facts.pessimistic[0, query] - facts.optimistic[0, query] == level - 1


def test_ranks_are_the_evaluators_where_the_run_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = wordy(galleries=0)
    whole = study_of(benchmark, evaluate(benchmark, "overlap")).facts("global")
    monkeypatch.setattr(scoring, "MOST_SCORES", 10)
    monkeypatch.setattr(scoring, "DEPTH", 4)
    monkeypatch.setattr(pairs, "DEPTH", 4)
    monkeypatch.setattr(sys.modules["mmret.evaluation.evaluate"], "DEPTH", 4)
    cut = study_of(benchmark, evaluate(benchmark, "overlap")).facts("global")
    assert (whole.depth, cut.depth) == ([None], [4])
    assert np.array_equal(cut.rank, whole.rank)
    assert np.array_equal(cut.best, whole.best)
    far = np.flatnonzero(cut.optimistic[0] > 4)
    assert len(far)
    for query in far.tolist():
        listing = cut.listing(0, query)
        assert listing is not None
        assert len(listing.top) == 4
        assert listing.right == []


def test_the_source_is_ahead_where_a_model_finds_it(clips: Study) -> None:
    facts = clips.facts("gallery")
    assert facts.systems == ["random", "echo"]
    inside = clips.benchmark.source_in_gallery
    assert inside.any()
    assert facts.source_ahead[1].tolist() == inside.tolist()
    assert not clips.facts("gallery-no-source").source_ahead.any()
    assert clips.benchmark.source is not None
    assert (facts.best[1] == clips.benchmark.source)[inside].mean() > 0.5  # some clips share their bytes with others
    without = [clips.facts("gallery-no-source").listing(1, query) for query in np.flatnonzero(inside).tolist()]
    assert all(listing is not None and listing.source is None for listing in without)


def test_what_a_result_left_out_is_left_out_of_the_study(small: Path, tmp_path: Path) -> None:
    (small / "videos" / "clip-2.mp4").write_bytes(b"no clip")
    settings = Settings(limit=4, protocols=("gallery",), cache=tmp_path / "cache")
    evaluate(str(small), "random", settings).save(tmp_path / "a")
    study = Study.open([tmp_path / "a"], small)
    record = load_result(tmp_path / "a").record["benchmark"]
    assert "clip-2" not in {item.id for item in study.benchmark.documents}
    assert len(study.benchmark.queries) == record["queries"] < 5
    assert study.benchmark.digest == record["scored_digest"]
    assert np.isfinite(study.facts("gallery").rank).all()


def test_another_view_shows_the_same_tables(tables: Study) -> None:
    pictures = tables.in_view("title=none,content=image")
    assert tables.in_view(NATIVE) is tables.benchmark
    assert [item.id for item in pictures.documents] == [item.id for item in tables.benchmark.documents]
    assert all(item.image is not None and item.text is None for item in pictures.documents)
    with pytest.raises(InputError, match="is no view"):
        tables.in_view("nonsense")


def test_results_that_do_not_belong_together_are_refused(
    clip_results: list[Path], table_results: list[Path], small: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="differ in their benchmark: omnicvr-mini and tarvir-mini"):
        Study.open([clip_results[0], table_results[0]])
    with pytest.raises(InputError, match="at least one result"):
        Study.open([])
    with pytest.raises(InputError, match="no such file"):
        Study.open([tmp_path])
    evaluate(str(small), "random", Settings(cache=tmp_path / "cache")).save(tmp_path / "small-a")
    with pytest.raises(InputError, match="say --data FOLDER"):
        Study.open([tmp_path / "small-a"])
    rows = [json.loads(line) for line in (small / "queries.jsonl").read_text().splitlines()]
    rows[0]["text"] += " and louder"
    other = Path(shutil.copytree(small, tmp_path / "other"))
    (other / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="other labels of small than those here"):
        Study.open([tmp_path / "small-a"], other)


def test_names_tell_systems_apart_and_unknown_protocols_are_refused(clip_results: list[Path]) -> None:
    twice = Study.open([clip_results[0], clip_results[0]])
    assert [system.name for system in twice.systems] == ["random", "random (2)"]
    with pytest.raises(InputError, match="unknown protocol 'galery'; did you mean gallery"):
        twice.facts("galery")


def test_measures_are_the_same_however_they_were_asked_for() -> None:
    benchmark = wordy()
    results = [evaluate(benchmark, "overlap", Settings(measures=names)) for names in (["r@1", "map"], ["AP", "R@1"])]
    assert study_of(benchmark, *results).measures == ["R@1", "AP"]


def test_a_result_without_scores_is_refused() -> None:
    benchmark = wordy()
    result = evaluate(benchmark, "overlap")
    with pytest.raises(InputError, match="the labels of wordy are hidden"):
        study_of(benchmark, replace(result, record=dict(result.record) | {"scores": {}}))


def test_results_without_a_protocol_in_common_are_refused(tmp_path: Path) -> None:
    benchmark = wordy()
    results = [evaluate(benchmark, "overlap", Settings(protocols=(name,))) for name in ("gallery", "global")]
    with pytest.raises(InputError, match="there is no protocol that all of"):
        study_of(benchmark, *results)

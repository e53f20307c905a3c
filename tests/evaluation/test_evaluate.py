from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mmret.benchmarks import Benchmark, load_benchmark, make_benchmark
from mmret.encoders import Options, Spec, encoders, find_encoder, register_encoder, registry
from mmret.errors import InputError, RunError
from mmret.evaluation import (
    Result,
    Settings,
    evaluate,
    load_result,
    oracle_vectors,
    protocols_of,
    results,
    score_vectors,
)
from mmret.evaluation.modalities import family_warnings
from mmret.items import Item, Side

from ..conftest import without_vectors, write_clip, write_rows

MINI = "omnicvr-mini"


def test_the_oracle_scores_100_on_every_slice_of_every_protocol() -> None:
    benchmark = load_benchmark(MINI)
    summaries = score_vectors(benchmark, *oracle_vectors(benchmark))
    assert list(summaries) == ["gallery", "gallery-no-source", "global"]
    for summary in summaries.values():
        assert summary.ties == 0
        assert set(summary.scores) == {"all", *benchmark.slices}
        for entry in summary.scores.values():
            for name in ("R@1", "R@10", "MRR"):
                assert entry[name]["value"] == entry[name]["pessimistic"] == entry[name]["high"] == 1
                assert entry[name]["low"] < 1
            assert entry["MedR"]["value"] == 1


def test_the_mean_rank_of_the_oracle_is_one_and_its_interval_no_share() -> None:
    benchmark = load_benchmark(MINI)
    (summary,) = score_vectors(
        benchmark, *oracle_vectors(benchmark), protocols=["gallery"], measures=["MeanR"]
    ).values()
    assert [summary.scores["all"]["MeanR"][key] for key in ("value", "low", "high")] == [1, 1, 1]


def test_a_query_without_a_source_is_in_no_cluster_of_a_document_that_has_its_id() -> None:
    items = [Item(name, text=name) for name in "abc"]
    benchmark = make_benchmark("mine", items, items, {name: ["c"] for name in "ab"} | {"c": ["a"]}, sources={"b": "a"})
    ones = np.ones((3, 2), np.float32)
    clusters = score_vectors(benchmark, ones, ones, protocols=["global"])["global"].per_query["cluster"]
    assert len(set(clusters)) == 3


def test_a_model_that_gives_everything_one_vector_gets_exactly_chance() -> None:
    benchmark = load_benchmark(MINI)
    ones = np.ones((len(benchmark.queries), 4), np.float32), np.ones((len(benchmark.documents), 4), np.float32)
    for name, summary in score_vectors(benchmark, *ones).items():
        candidates = {"gallery": 60, "gallery-no-source": 59, "global": 144}[name]
        entry = summary.scores["all"]
        assert entry["R@1"]["value"] == pytest.approx(1 / candidates, abs=1e-15)
        assert entry["R@10"]["value"] == entry["R@10"]["random"]
        assert entry["MedR"]["value"] == (candidates + 1) / 2
        assert (entry["R@1"]["optimistic"], entry["R@1"]["pessimistic"]) == (1, 0)
        assert summary.ties == 1


def test_random_scores_the_expectation(cache: Path) -> None:
    """Averaged over seeds; a single run must hold the expectation in its interval."""
    benchmark = load_benchmark(MINI)
    found = []
    for seed in range(12):
        result = evaluate(benchmark, "random", Settings(seed=seed, cache=cache, protocols=("gallery",)))
        entry = result.record["scores"]["gallery"]["all"]["R@10"]
        found.append(entry["value"])
        assert entry["random"] == pytest.approx(1 / 6)
    # 1,800 queries: the standard error is 0.9 points.
    assert np.mean(found) == pytest.approx(1 / 6, abs=0.03)
    first = evaluate(benchmark, "random", Settings(cache=cache)).record["scores"]["gallery"]["all"]["R@1"]
    assert first["low"] <= first["random"] <= first["high"]


def shuffled(folder: Path, target: Path) -> Path:
    """A copy of a benchmark with all rows, and the candidates in them, in another order."""
    shutil.copytree(folder, target)
    rng = random.Random(1)
    for name in ("documents.jsonl", "queries.jsonl"):
        rows = [json.loads(line) for line in (target / name).read_text().splitlines()]
        rng.shuffle(rows)
        for row in rows:
            rng.shuffle(row.get("gallery", []))
        write_rows(target / name, rows)
    return target


def scores_and_files(result: Result) -> str:
    decisive = {key: result.record[key] for key in ("benchmark", "scores", "ties", "excluded")}
    return json.dumps(decisive) + result.per_query.to_csv() + result.run.frame().to_csv()


def test_no_order_and_no_batch_size_changes_a_digit(cache: Path, tmp_path: Path) -> None:
    folder = load_benchmark(MINI).documents[0].media[0].path.parents[1]
    other = shuffled(folder, tmp_path / "shuffled")
    first = evaluate(MINI, "random", Settings(cache=without_vectors(cache, tmp_path / "a")))
    settings = Settings(cache=without_vectors(cache, tmp_path / "b"), batch_size=7, max_memory=50_000)
    second = evaluate(str(other), "random", settings)
    assert scores_and_files(first) == scores_and_files(second)


def test_bad_files_are_named_and_left_out_for_all_alike(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(load_benchmark(MINI).documents[0].media[0].path.parents[1], folder)
    videos = folder / "videos"
    raw = (videos / "c010.mp4").read_bytes()
    (videos / "c010.mp4").write_bytes(raw[: len(raw) // 2])
    (videos / "c020.mp4").write_bytes(b"")
    write_clip(videos / "c030.mp4", tone=None)
    settings = Settings(cache=without_vectors(cache, tmp_path / "cache"))
    result = evaluate(str(folder), "random", settings)
    excluded = result.record["excluded"]
    assert [one["id"] for one in excluded["documents"]] == ["c010", "c020", "c030"]
    reasons = {one["id"]: one["reason"] for one in excluded["documents"]}
    assert reasons["c020"] == "the file is empty"
    assert reasons["c030"] == "no sound track"
    whole = load_benchmark(MINI)
    affected = {
        query.id
        for i, query in enumerate(whole.queries)
        if {whole.documents[int(p)].id for p in (*whole.positives[i], _source(whole, i))} & set(reasons)
    }
    assert {one["id"] for one in excluded["queries"]} == affected
    assert result.record["benchmark"]["documents"] == 141
    assert result.record["benchmark"]["queries"] == 150 - len(affected)
    assert not result.run.frame().document.isin(list(reasons)).any()
    assert not result.run.frame()["query"].isin(affected).any()
    with pytest.raises(RunError, match=r"c010\.mp4 .*c020\.mp4 .*c030\.mp4"):
        evaluate(str(folder), "random", Settings(cache=tmp_path / "cache", on_bad_media="fail"))


def _source(benchmark: Benchmark, i: int) -> int:
    assert benchmark.source is not None
    return int(benchmark.source[i])


def test_a_benchmark_of_broken_files_only_is_a_failed_run(small: Path, tmp_path: Path) -> None:
    for path in (small / "videos").iterdir():
        path.write_bytes(b"")
    with pytest.raises(RunError, match="no query can be asked"):
        evaluate(str(small), "random", Settings(cache=tmp_path / "cache"))


def test_limit_takes_its_share_of_every_slice(cache: Path) -> None:
    result = evaluate(MINI, "random", Settings(limit=30, cache=cache))
    scores = result.record["scores"]["gallery"]
    assert {label: scores[label]["n"] for label in ("all", "audio-center", "visual-center", "integrated")} == {
        "all": 30, "audio-center": 10, "visual-center": 10, "integrated": 10,
    }  # fmt: skip
    assert result.record["benchmark"]["documents"] == 144
    again = evaluate(MINI, "random", Settings(limit=30, cache=cache))
    assert scores_and_files(again) == scores_and_files(result)
    with pytest.raises(InputError, match="--limit"):
        evaluate(MINI, "random", Settings(limit=0, cache=cache))


def test_the_source_is_counted_and_masked_from_the_same_vectors(cache: Path) -> None:
    """Against a plain sort of the scores in the run file."""
    result = evaluate(MINI, "random", Settings(cache=cache))
    benchmark = load_benchmark(MINI)
    runs = {str(query): frame for query, frame in result.run.frame().groupby("query", observed=True)}
    rows = {name: frame.set_index("query") for name, frame in result.per_query.groupby("protocol", observed=True)}
    for i, query in enumerate(benchmark.queries):
        ranked = runs[query.id].sort_values("score", ascending=False).document.tolist()
        target, source = (
            benchmark.documents[benchmark.positives[i][0]].id,
            benchmark.documents[_source(benchmark, i)].id,
        )
        assert rows["gallery"].greater[query.id] == ranked.index(target)
        assert rows["gallery"]["source@1"][query.id] == (ranked[0] == source)
        assert rows["gallery"]["target>source"][query.id] == (ranked.index(target) < ranked.index(source))
        ranked.remove(source)
        assert rows["gallery-no-source"].greater[query.id] == ranked.index(target)
        assert rows["gallery-no-source"].candidates[query.id] == 59
        assert rows["global"].candidates[query.id] == 144
        assert rows["global"].greater[query.id] >= rows["gallery"].greater[query.id]


def test_a_result_is_written_read_and_guarded(cache: Path, small: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = evaluate(MINI, "random", Settings(cache=cache, limit=20))
    result.save(output)
    assert sorted(path.name for path in output.iterdir()) == ["per_query.parquet", "result.json", "run.parquet"]
    again = load_result(output)
    assert again.record == result.record
    pd.testing.assert_frame_equal(again.per_query, result.per_query)
    assert again.run.scores.dtype == np.float32
    result.save(output)  # the same evaluation may be repeated
    other = evaluate(str(small), "random", Settings(cache=cache))
    with pytest.raises(InputError, match=r"another benchmark \(omnicvr-mini\).*--overwrite"):
        other.save(output)
    other.save(output, overwrite=True)
    assert load_result(output).record["benchmark"]["name"] == "small"
    (output / "result.json").write_text("{}")
    with pytest.raises(InputError, match=r"not a result of schema mmret\.result/2"):
        load_result(output)
    with pytest.raises(InputError, match="no such file"):
        load_result(tmp_path / "nowhere")


def test_a_result_that_cannot_be_written_leaves_the_old_one_whole(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RunError("the disk is full")

    output, settings = tmp_path / "out", Settings(cache=tmp_path / "cache")
    old = evaluate(str(small), "random", settings)
    old = replace(old, record={**old.record, "warnings": ["a file named clip-\udcff.mp4"]})
    old.save(output)
    monkeypatch.setattr(results, "write_run", refuse)
    with pytest.raises(RunError, match="the disk is full"):
        evaluate(str(small), "random", replace(settings, seed=1)).save(output, overwrite=True)
    pd.testing.assert_frame_equal(load_result(output).per_query, old.per_query)
    assert load_result(output).record == old.record
    assert sorted(path.name for path in output.iterdir()) == ["per_query.parquet", "result.json", "run.parquet"]


def test_the_record_holds_what_a_reader_needs(cache: Path) -> None:
    record = evaluate(MINI, "random", Settings(cache=cache, limit=10, seed=3)).record
    assert record["schema"] == "mmret.result/2"
    assert set(record["benchmark"]) >= {"name", "version", "digest", "queries", "documents"}
    assert record["model"]["modalities"]["query"] == ["audio", "image", "text", "video"]
    assert record["settings"]["passed"] == {"cache": str(cache), "limit": 10, "seed": 3}
    assert record["settings"]["resolved"]["protocols"] == ["gallery", "gallery-no-source", "global"]
    assert record["settings"]["resolved"]["frames"] == 8
    for slices in record["scores"].values():
        assert set(slices["all"]["R@1"]) == {"value", "optimistic", "pessimistic", "low", "high", "random"}
    assert record["cost"]["stages"]["score"]["items"] == 10
    assert record["cost"]["peak_rss_mb"] > 50
    assert record["environment"]["packages"]["numpy"] == np.__version__
    json.dumps(record, allow_nan=False)


class Recorder:
    """An encoder that remembers what it was given, and answers as told."""

    spec = Spec("recorder", "1", frozenset({"text", "video"}), frozenset({"video", "audio"}), "", "")
    calls: list[tuple[Side, list[Item]]]
    answer: Any = None

    def __init__(self, options: Options) -> None:
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        Recorder.calls.append((side, list(items)))
        if Recorder.answer is not None:
            return Recorder.answer(items, side)
        return np.ones((len(items), 3), np.float32)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    Recorder.calls, Recorder.answer = [], None
    return register_encoder(Recorder)


def test_nothing_is_embedded_twice(recorder: type[Recorder], small: Path, tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache", batch_size=4, cost_items=0)
    first = evaluate(str(small), "recorder", settings)
    assert [(side, len(items)) for side, items in recorder.calls] == [
        ("document", 4), ("query", 4), ("document", 2), ("query", 2),
    ]  # fmt: skip
    recorder.calls = []
    assert scores_and_files(evaluate(str(small), "recorder", settings)) == scores_and_files(first)
    assert recorder.calls == []
    write_clip(small / "videos" / "clip-3.mp4", tone=900.0)
    evaluate(str(small), "recorder", settings)
    assert [(side, [item.id for item in items]) for side, items in recorder.calls] == [
        ("document", ["clip-3"]), ("query", ["query-3"]),
    ]  # fmt: skip


def test_what_is_dropped_or_not_read_is_said(recorder: type[Recorder], small: Path, tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache")
    assert evaluate(str(small), "recorder", settings).record["warnings"] == [
        "recorder does not read the audio of a query"
    ]
    recorder.calls = []
    evaluate(str(small), "recorder", Settings(cache=tmp_path / "cache", drop=("video",)))
    (side, items) = recorder.calls[0]
    assert side == "query"
    assert {frozenset(item.modalities) for item in items} == {frozenset({"text", "audio"})}
    with pytest.raises(InputError, match=r"recorder.*reads text, video of a query, but query query-0 has audio"):
        evaluate(str(small), "recorder", Settings(cache=tmp_path / "cache", drop=("video", "text")))
    with pytest.raises(InputError, match="cannot drop smell"):
        Settings(drop=("smell",))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda items, side: np.full((len(items), 2), np.nan, np.float32),
            r"NaN or infinity for document clip-\d, clip-\d",
        ),
        (lambda items, side: np.ones((len(items), 2)), "must return float32"),
        (lambda items, side: np.ones((1, 2), np.float32), r"must return float32 \(6, d\)"),
        (lambda items, side: [[1.0]] * len(items), "not list"),
        (lambda items, side: np.ones((len(items), 2 + (side == "query")), np.float32), "different length"),
    ],
)
def test_a_model_that_answers_wrongly_is_stopped(
    recorder: type[Recorder], small: Path, tmp_path: Path, answer: Any, words: str
) -> None:
    recorder.answer = staticmethod(answer)
    with pytest.raises(RunError, match=words):
        evaluate(str(small), "recorder", Settings(cache=tmp_path / "cache"))


def test_a_killed_run_goes_on_where_it_stood(small: Path, tmp_path: Path) -> None:
    """The process is really killed in the middle; what it had embedded is not embedded again, and no digit differs."""
    script = """
import sys, time
from pathlib import Path
import numpy as np
from mmret.encoders import find_encoder, register_encoder, registry, encoders
from mmret.evaluation import Settings, evaluate
if __name__ == "__main__":
    encoders()
    plain = find_encoder("random")
    class Slow(plain):
        def embed(self, items, side):
            print(len(items), flush=True)
            time.sleep(0.2)
            return super().embed(items, side)
    register_encoder(Slow)
    evaluate(sys.argv[1], "random", Settings(cache=Path(sys.argv[2]), batch_size=1, cost_items=0))
"""
    (tmp_path / "slow.py").write_text(script)
    cache = tmp_path / "cache"
    command = [sys.executable, str(tmp_path / "slow.py"), str(small), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        for _ in range(4):
            process.stdout.readline()
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    left = subprocess.run(command, capture_output=True, text=True, check=True).stdout.count("1")
    assert left <= 12 - 3
    resumed = evaluate(str(small), "random", Settings(cache=cache))
    undisturbed = evaluate(str(small), "random", Settings(cache=tmp_path / "other"))
    assert scores_and_files(resumed) == scores_and_files(undisturbed)


def test_bad_settings_are_refused() -> None:
    for settings, words in (
        ({"measures": ("R@0",)}, "cut-off"),
        ({"measures": ("nGDC@10",)}, "did you mean nDCG"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"frames": 0}, "frames must be at least 1"),
        ({"workers": 0}, "workers must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"time_limit": 0.0}, "time_limit must be more than 0"),
        ({"sampling": "centers"}, "did you mean centres"),
    ):
        with pytest.raises(InputError, match=words):
            Settings(**settings)
    assert Settings(measures=["recall@10", "r@1", "R@10"]).measures == ("R@10", "R@1")
    assert protocols_of(load_benchmark(MINI), []) == protocols_of(load_benchmark(MINI))
    with pytest.raises(InputError, match="protocol 'galery' does not fit omnicvr-mini; choose from: gallery"):
        evaluate(MINI, "random", Settings(protocols=("galery",)))
    with pytest.raises(InputError, match="device 'cuda:9' cannot be used here"):
        evaluate(MINI, "random", Settings(device="cuda:9"))
    with pytest.raises(InputError, match="unknown model"):
        evaluate(MINI, "rondom", Settings())
    assert find_encoder("random").spec.parameters == 0


def test_without_galleries_all_documents_compete(small: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (small / "queries.jsonl").read_text().splitlines()]
    for row in rows:
        del row["gallery"]
    write_rows(small / "queries.jsonl", rows)
    record = evaluate(str(small), "random", Settings(cache=tmp_path / "cache")).record
    assert list(record["scores"]) == ["global", "global-no-source"]
    assert record["scores"]["global"]["all"]["R@1"]["random"] == pytest.approx(1 / 6)
    assert record["scores"]["global-no-source"]["all"]["R@1"]["random"] == pytest.approx(1 / 5)


def test_a_captioner_of_the_family_that_annotated_is_named(small: Path) -> None:
    benchmark = load_benchmark(str(small))
    annotated = replace(benchmark, about={**benchmark.about, "annotated_by": "qwen"})
    spec = Spec("writes", "1", frozenset({"text"}), frozenset({"video"}), "", "", family="qwen")
    model = SimpleNamespace(spec=spec, preprocessing={})
    assert family_warnings(model, annotated) == [
        "writes writes captions by a model of the family that annotated small (qwen)"
    ]
    assert family_warnings(model, benchmark) == []
    model.spec = replace(spec, family="")
    assert family_warnings(model, annotated) == []

"""Runs scored against benchmarks, and galleries in files."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmret.benchmarks import Ragged, load_benchmark
from mmret.errors import InputError
from mmret.evaluation import Labels, Result, Run, Settings, evaluate, read_galleries, read_run, score_run, score_run_on
from mmret.evaluation.ids import Index

MINI = "omnicvr-mini"
GLOBAL = ("global", "global-no-source")


@pytest.fixture(scope="module")
def results(cache: Path) -> dict[str, Result]:
    """One evaluation whose run holds the galleries, and one whose run holds all documents."""
    return {
        "gallery": evaluate(MINI, "random", Settings(cache=cache)),
        "global": evaluate(MINI, "random", Settings(cache=cache, protocols=GLOBAL)),
    }


def shuffled(run: Run, seed: int = 0) -> Run:
    """The same run with queries, documents and lines in another order."""
    frame = run.frame().sample(frac=1, random_state=seed).sort_values("query", kind="stable")
    queries, documents = list(frame["query"].unique()), list(frame.document.unique())
    sizes = frame.groupby("query", observed=True).size()[queries].to_numpy()
    positions = pd.Index(documents).get_indexer(pd.Index(frame.document)).astype(np.int32)
    lists = Ragged(np.concatenate([[0], sizes.cumsum()]), positions)
    return Run([str(q) for q in queries], [str(d) for d in documents], lists, frame.score.to_numpy())


def top(run: Run, k: int) -> Run:
    """The best `k` documents of each query."""
    frame = run.frame().sort_values(["query", "score"], ascending=[True, False])
    frame = frame.groupby("query", observed=True).head(k)
    positions = pd.Index(run.documents).get_indexer(pd.Index(frame.document)).astype(np.int32)
    return replace(run, lists=Ragged(np.arange(len(run.queries) + 1) * k, positions), scores=frame.score.to_numpy())


@pytest.mark.parametrize(("name", "protocols"), [("gallery", None), ("global", GLOBAL)])
def test_the_run_of_an_evaluation_has_its_scores(
    results: dict[str, Result], name: str, protocols: tuple[str, ...] | None, tmp_path: Path
) -> None:
    """Every slice, bound and interval, to the last bit; no two scores of these runs are the same."""
    benchmark, result = load_benchmark(MINI), results[name]
    result.save(tmp_path / "out")
    for run in (result.run, read_run(tmp_path / "out" / "run.parquet"), shuffled(result.run)):
        scored = score_run_on(run, benchmark, protocols=protocols)
        assert list(scored.scores) == list(protocols or ("gallery", "gallery-no-source"))
        assert scored.scores == {protocol: result.record["scores"][protocol] for protocol in scored.scores}
        assert scored.ties == {protocol: result.record["ties"][protocol] for protocol in scored.scores}
        assert scored.unlisted == {}
        theirs = result.per_query[result.per_query.protocol.isin(list(scored.scores))]
        pd.testing.assert_frame_equal(scored.per_query, theirs.reset_index(drop=True), check_exact=True)


def test_tables_have_the_measures_of_their_evaluation(cache: Path) -> None:
    tables = load_benchmark("tarvir-mini", view="title=text,content=native")
    result = evaluate(tables, "random", Settings(cache=cache, protocols=GLOBAL[:1]))
    scored = score_run_on(result.run, tables, protocols=GLOBAL[:1])
    assert scored.scores == {GLOBAL[0]: result.record["scores"][GLOBAL[0]]}
    assert "nDCG@10" in scored.scores[GLOBAL[0]]["all"]


def test_a_short_run_keeps_what_its_places_decide(results: dict[str, Result]) -> None:
    """Beyond the tenth place nothing is known: what needs no more is the same, the rest is at most as good."""
    benchmark, whole = load_benchmark(MINI), results["gallery"].record["scores"]["gallery"]
    scored = score_run_on(top(results["gallery"].run, 10), benchmark, measures=("R@1", "R@10", "MRR", "MedR"))
    assert scored.unlisted["gallery"] == pytest.approx(50 / 60)
    for label, entry in scored.scores["gallery"].items():
        for name in ("R@1", "R@10", "source@1"):
            assert entry[name] == whole[label][name]
        assert entry["MRR"]["value"] < whole[label]["MRR"]["value"]
        # Where neither is listed, the right document does not count as above the source.
        assert entry["target>source"]["value"] <= whole[label]["target>source"]["value"]


def test_a_run_of_galleries_says_that_it_is_not_global(results: dict[str, Result]) -> None:
    scored = score_run_on(results["gallery"].run, load_benchmark(MINI), protocols=["global"])
    assert scored.unlisted == {"global": pytest.approx(84 / 144)}
    with pytest.raises(InputError, match=r"documents of the run outside the gallery \(query document\): "):
        score_run_on(results["global"].run, load_benchmark(MINI))


def test_what_does_not_fit_a_benchmark_is_refused(results: dict[str, Result]) -> None:
    benchmark, run = load_benchmark(MINI), results["gallery"].run
    half = Run(run.queries[:75], run.documents, Ragged(run.lists.offsets[:76], run.lists.positions), run.scores)
    half = replace(half, lists=Ragged(half.lists.offsets, run.lists.positions[: half.lists.offsets[-1]]))
    half = replace(half, scores=run.scores[: half.lists.offsets[-1]])
    with pytest.raises(InputError, match=r"queries that the run lacks: .*75 in all"):
        score_run_on(half, benchmark)
    scored = score_run_on(half, benchmark, missing="zero", measures=("R@10",))
    assert len(scored.missing) == 75
    rows = scored.per_query[scored.per_query["query"].isin(scored.missing)]
    assert (rows["R@10"] == 0).all()
    assert (rows["target>source"].dropna() == 0).all()
    with pytest.raises(InputError, match="not judged: stranger"):
        score_run_on(replace(run, queries=["stranger", *run.queries[1:]]), benchmark, missing="zero")
    with pytest.raises(InputError, match=r"outside the gallery .*: \S+ nothing"):
        score_run_on(replace(run, documents=["nothing", *run.documents[1:]]), benchmark)
    with pytest.raises(InputError, match="two documents of the run have one id"):
        score_run_on(replace(run, documents=[run.documents[1], *run.documents[1:]]), benchmark)
    with pytest.raises(InputError, match="two queries of the run have one id"):
        score_run_on(replace(run, queries=[run.queries[1], *run.queries[1:]]), benchmark, missing="zero")
    with pytest.raises(InputError, match="NaN or infinite scores in 1 places"):
        score_run_on(replace(run, scores=np.where(np.arange(len(run.scores)) == 9, np.nan, run.scores)), benchmark)
    with pytest.raises(InputError, match="does not fit"):
        score_run_on(run, benchmark, protocols=["galery"])


ids = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=4)


@settings(max_examples=25)
@given(st.dictionaries(ids, st.lists(ids, min_size=1, max_size=6, unique=True), min_size=1, max_size=8))
def test_galleries_read_as_written(tmp_path_factory: pytest.TempPathFactory, galleries: dict[str, list[str]]) -> None:
    folder = tmp_path_factory.mktemp("galleries")
    rows = [{"query-id": query, "corpus-ids": own} for query, own in galleries.items()]
    pd.DataFrame(rows).to_parquet(folder / "g.parquet")
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "g.jsonl").write_text(text)
    with gzip.open(folder / "g.jsonl.gz", "wt") as file:
        file.write(text)
    for name in ("g.parquet", "g.jsonl", "g.jsonl.gz"):
        found = read_galleries(folder / name)
        assert found == galleries
        assert sorted(found.documents) == sorted({one for own in galleries.values() for one in own})
        turned = found.of(found.queries[::-1])
        assert [[found.documents[p] for p in own] for own in turned] == [*galleries.values()][::-1]


def test_ids_of_galleries_that_are_numbers_read_as_texts(tmp_path: Path) -> None:
    pd.DataFrame({"query-id": [1, 2], "corpus-ids": [[7, 8], [9]]}).to_parquet(tmp_path / "g.parquet")
    (tmp_path / "g.jsonl").write_text('{"query-id": 1, "corpus-ids": [7, 8]}\n{"query-id": 2, "corpus-ids": [9]}\n')
    for name in ("g.parquet", "g.jsonl"):
        assert read_galleries(tmp_path / name) == {"1": ["7", "8"], "2": ["9"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]\n",
        '{"query-id": "q"}\n',
        '{"query-id": "q", "corpus-ids": 1}\n',
        '{"query-id": "q", "corpus-ids": "abc"}\n',
        '{"query-id": "q", "corpus-ids": ["a", null]}\n',
        '{"query-id": null, "corpus-ids": ["a"]}\n',
    ],
)
def test_files_without_galleries_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "g.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"g\.jsonl: no galleries with 'query-id' and 'corpus-ids'"):
        read_galleries(tmp_path / "g.jsonl")
    (tmp_path / "g.jsonl.gz").write_bytes(gzip.compress(b'{"query-id": "q", "corpus-ids": ["a"]}')[:-9])
    with pytest.raises(InputError, match=r"g\.jsonl\.gz: no galleries"):
        read_galleries(tmp_path / "g.jsonl.gz")
    for candidates, words in ((["a", None], "empty cells"), ("a", "no galleries with")):
        pd.DataFrame({"query-id": ["q"], "corpus-ids": [candidates]}).to_parquet(tmp_path / "g.parquet")
        with pytest.raises(InputError, match=words):
            read_galleries(tmp_path / "g.parquet")


def test_many_galleries_take_little_memory(tmp_path: Path) -> None:
    """A million candidates are kept as four bytes each and not as texts; so are a run's."""
    rng, documents = np.random.default_rng(0), [f"document-{i}" for i in range(4000)]
    lists = [rng.choice(4000, 1000, replace=False) for _ in range(1000)]
    frame = pd.DataFrame({"query-id": [f"q{i}" for i in range(1000)], "corpus-ids": lists})
    frame["corpus-ids"] = [[documents[i] for i in own] for own in lists]
    frame.to_parquet(tmp_path / "g.parquet")
    del frame
    tracemalloc.start()
    galleries = read_galleries(tmp_path / "g.parquet")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    run = Run(list(galleries.queries), documents, Ragged.of(lists), rng.random(1_000_000))
    labels = Labels(
        galleries.queries,
        documents,
        Ragged(np.arange(1001), np.array([own[0] for own in lists], np.int32)),
        np.ones(1000),
        [],
    )
    scored = score_run(run, labels, galleries=galleries, measures=("R@10",))
    assert scored.scores["R@10"]["random"] == pytest.approx(0.01)


@given(st.lists(st.lists(ids, max_size=8), max_size=4))
def test_an_index_numbers_ids_as_they_come(batches: list[list[str]]) -> None:
    index, slow = Index(), dict[str, int]()
    for batch in batches:
        assert index.numbers(batch).tolist() == [slow.setdefault(one, len(slow)) for one in batch]
        assert index.ids == list(slow)
        assert len(index) == len(slow)

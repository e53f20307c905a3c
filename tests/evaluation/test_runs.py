"""Runs, judgements and galleries as files, and the scoring of a run."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytrec_eval

from mmret.benchmarks import Ragged, load_benchmark
from mmret.errors import InputError, RunError
from mmret.evaluation import (
    Run,
    Settings,
    evaluate,
    read_galleries,
    read_qrels,
    read_run,
    runs,
    score_run,
    write_run,
)

QRELS = "q1 0 a 1\nq1 0 b 2\nq1 0 c 0\nq2 0 d 1\nq3 0 a 0\n"
RUN = "q1 Q0 a 1 0.5 me\nq1 Q0 x 2 0.25 me\nq1 Q0 b 3 0.75 me\nq2 Q0 d 1 1e-3 me\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def as_sets(run: Run) -> dict[str, dict[str, float]]:
    return {
        query: {run.documents[p]: float(s) for p, s in zip(run.lists[i], run.scores[a:b], strict=True)}
        for i, (query, a, b) in enumerate(zip(run.queries, run.lists.offsets, run.lists.offsets[1:], strict=False))
    }


@pytest.mark.parametrize(
    "text",
    [
        RUN,
        RUN.replace(" ", "\t"),
        RUN.replace(" ", "   ") + "\n\n",
        "\ufeff" + RUN,
        "\ufeff" + RUN.replace(" ", "   "),
        RUN.replace("Q0 x 2", "Q0\tx  2"),
        "".join(sorted(RUN.splitlines(keepends=True), key=lambda line: line.split()[2])),  # queries interleaved
    ],
)
def test_trec_runs_read_whatever_their_spacing_and_order(tmp_path: Path, text: str) -> None:
    expected = {"q1": {"a": 0.5, "x": 0.25, "b": 0.75}, "q2": {"d": 1e-3}}
    assert as_sets(read_run(write(tmp_path / "run.txt", text))) == expected
    with gzip.open(tmp_path / "run.gz", "wt") as file:
        file.write(text)
    assert as_sets(read_run(tmp_path / "run.gz")) == expected


def test_ids_that_look_like_numbers_or_nothing_stay_texts(tmp_path: Path) -> None:
    run = read_run(write(tmp_path / "run", '007 Q0 1.0 1 2 t\n7 Q0 NA 1 1 t\n7 Q0 null 1 0 t\n7 Q0 "x 1 0 t\n'))
    assert as_sets(run) == {"007": {"1.0": 2.0}, "7": {"NA": 1.0, "null": 0.0, '"x': 0.0}}


@pytest.mark.parametrize("name", ["run.parquet", "run.txt", "run.txt.gz"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_run_survives_writing_and_reading(tmp_path: Path, name: str, kind: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    run = Run(
        ["q2", "q1"], ["é", "a", "b"], Ragged.of([[0, 1, 2], [2, 0]]), rng.standard_normal(5).astype(kind) * kind(1e-5)
    )
    write_run(run, tmp_path / name)
    again = read_run(tmp_path / name)
    assert as_sets(replace(again, scores=again.scores.astype(kind))) == as_sets(run)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.txt", "q1 Q0 a 1 0.5 me\nq1 Q0 a 1 me\n", r"run\.txt:2: not the six columns"),
        ("run.txt", "q1 Q0 a 1 0.5 me\nq1 Q0 b 2 high me\n", r"run\.txt:2: not the six columns"),
        ("run.txt", "", "run.txt: "),
        ("run.parquet", "PAR1 and no more", "run.parquet: not a run"),
        ("run.gz", "not zipped", "run.gz: not a run"),
    ],
)
def test_a_bad_run_is_named_by_file_and_line(tmp_path: Path, name: str, content: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_run(write(tmp_path / name, content))


def test_parquet_runs_are_checked(tmp_path: Path) -> None:
    frame = pd.DataFrame({"query": ["q", "q"], "document": ["a", "b"], "score": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "good.parquet")
    assert as_sets(read_run(tmp_path / "good.parquet")) == {"q": {"a": 1.0, "b": 2.0}}
    frame.rename(columns={"score": "s"}).to_parquet(tmp_path / "named.parquet")
    with pytest.raises(InputError, match="score"):
        read_run(tmp_path / "named.parquet")
    frame.assign(score=["1", "2"]).to_parquet(tmp_path / "text.parquet")
    with pytest.raises(InputError, match="not floating-point"):
        read_run(tmp_path / "text.parquet")
    frame.assign(document=["a", None]).to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(InputError, match="empty cells"):
        read_run(tmp_path / "empty.parquet")
    with pytest.raises(InputError, match="no such file"):
        read_run(tmp_path / "nothing.parquet")


def test_runs_read_the_same_in_pieces_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that lie across the pieces, queries that come back, more lines than a file of that size should have."""
    rng = random.Random(0)
    rows = [(f"q{i % 7}", f"d{n}", n / 8) for i in range(14) for n in rng.sample(range(i % 2, 400, 2), 30)]
    write(tmp_path / "run.txt", "".join(f"{q} Q0 {d} 0 {s} t\n" for q, d, s in rows)[:-1])
    with gzip.open(tmp_path / "run.gz", "wt") as file:
        file.write((tmp_path / "run.txt").read_text())
    pd.DataFrame(rows, columns=["query", "document", "score"]).to_parquet(tmp_path / "run.parquet")
    expected = {q: {d: s for query, d, s in rows if query == q} for q, _, _ in rows}
    for piece, batch, shortest in ((1 << 24, 1 << 20, 12), (256, 17, 10_000), (1000, 100, 30)):
        for name, size in (("PIECE", piece), ("BATCH", batch), ("SHORTEST", shortest)):
            monkeypatch.setattr(runs, name, size)
        for name in ("run.txt", "run.gz", "run.parquet"):
            assert as_sets(read_run(tmp_path / name)) == expected
    monkeypatch.setattr(runs, "PIECE", 16)
    with pytest.raises(InputError, match="a line of more than 16 bytes"):
        read_run(tmp_path / "run.txt")


def test_a_full_disk_leaves_no_half_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(["q"], ["a"], Ragged.of([[0]]), np.ones(1))
    monkeypatch.setattr(runs, "_write_trec", lambda run, part, tag, compressed: Path("/dev/full").write_bytes(b"q"))
    with pytest.raises(RunError, match=r"run\.txt: the run cannot be written: .*No space left"):
        write_run(run, tmp_path / "run.txt")
    assert list(tmp_path.iterdir()) == []


def test_ids_survive_as_text_or_are_refused(tmp_path: Path) -> None:
    run = Run(['"q"', "q,2"], ['a"b', "'"], Ragged.of([[0, 1], [1]]), np.array([0.5, 0.25, 1.0]))
    write_run(run, tmp_path / "run.txt", tag='my"tag')
    assert as_sets(read_run(tmp_path / "run.txt")) == as_sets(run)
    for wrong in (
        replace(run, queries=["q 1", "q2"]),
        replace(run, documents=["a", "b\u00a0c"]),
        replace(run, queries=["", "q"]),
    ):
        with pytest.raises(InputError, match=r"odd\.txt: white space parts TREC's columns.*name a \.parquet file"):
            write_run(wrong, tmp_path / "odd.txt")
        write_run(wrong, tmp_path / "odd.parquet")
        assert as_sets(read_run(tmp_path / "odd.parquet")) == as_sets(wrong)
    with pytest.raises(InputError, match="'my tag'"):
        write_run(run, tmp_path / "odd.txt", tag="my tag")
    with pytest.raises(RunError, match="the run cannot be written"):
        write_run(run, tmp_path / "run.txt" / "run.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd.parquet", "run.txt"]


def test_qrels_read_in_all_forms(tmp_path: Path) -> None:
    trec = read_qrels(write(tmp_path / "trec", QRELS))
    assert trec.queries == ["q1", "q2"]
    assert trec.without == ["q3"]
    assert [[trec.documents[p] for p in row] for row in trec.positives] == [["a", "b"], ["d"]]
    assert trec.gains.tolist() == [1, 2, 1]
    beir = "query-id\tcorpus-id\tscore\nq1\ta\t1\nq1\tb\t2\nq1\tc\t0\nq2\td\t1\nq3\ta\t0\n"
    pd.DataFrame(
        {"query-id": ["q1", "q1", "q1", "q2", "q3"], "corpus-id": list("abcda"), "score": [1, 2, 0, 1, 0]}
    ).to_parquet(tmp_path / "qrels.parquet")
    pd.read_parquet(tmp_path / "qrels.parquet").to_json(tmp_path / "qrels.jsonl", orient="records", lines=True)
    write(tmp_path / "beir.tsv", beir)
    for other in (read_qrels(tmp_path / name) for name in ("beir.tsv", "qrels.parquet", "qrels.jsonl")):
        assert (other.queries, other.documents, other.without) == (trec.queries, trec.documents, trec.without)
        np.testing.assert_array_equal(other.positives.positions, trec.positives.positions)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("q1 0 a 1\nq1 0 a 1\n", "judged twice: q1 a"),
        ("q1 0 a 0\n", "no document is judged right"),
        ("q1 0 a 1\nq1 0 b good\n", "row 2: 'good' is no grade"),
        ("q1 0 a good\nq1 0 b 1\n", "row 1: 'good' is no grade"),  # TREC's form has no header
        ("q1 0 a 1\nq1 0\n", "row 2: an id is missing"),
        ("q1 a\n", "3 columns .* or 4"),
        ("", "not qrels"),
    ],
)
def test_bad_qrels_are_named(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_qrels(write(tmp_path / "qrels", content))


def test_qrels_without_an_id_or_cut_short_are_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"query-id": ["q1", "q2"], "corpus-id": ["a", None], "score": [1, 1]})
    frame.to_parquet(tmp_path / "qrels.parquet")
    frame.to_json(tmp_path / "qrels.jsonl", orient="records", lines=True)
    for name in ("qrels.parquet", "qrels.jsonl"):
        with pytest.raises(InputError, match=f"{name}: row 2: an id is missing"):
            read_qrels(tmp_path / name)
    (tmp_path / "qrels.gz").write_bytes(gzip.compress((QRELS * 9).encode())[:-9])
    with pytest.raises(InputError, match=r"qrels\.gz: not qrels: .*end"):
        read_qrels(tmp_path / "qrels.gz")


def test_a_run_scores_as_trec_eval_scores_it(tmp_path: Path) -> None:
    """Random tie-free runs whose scores are exact in float32, against pytrec_eval."""
    rng = random.Random(0)
    for _ in range(30):
        documents = [f"d{i}" for i in range(30)]
        qrels = {f"q{i}": {d: rng.choice([0, 1, 2]) for d in rng.sample(documents, 8)} for i in range(12)}
        run = {q: {d: n / 64 for n, d in enumerate(rng.sample(documents, 15))} for q in qrels}
        lines = [f"{q} 0 {d} {g}\n" for q, row in qrels.items() for d, g in row.items()]
        labels = read_qrels(write(tmp_path / "qrels", "".join(lines)))
        rows = [f"{q} Q0 {d} 0 {s!r} t\n" for q, row in run.items() for d, s in row.items()]
        rng.shuffle(rows)
        found = score_run(
            read_run(write(tmp_path / "run", "".join(rows))),
            labels,
            measures=("R@5", "nDCG@10", "AP", "MRR", "P@5", "Success@1"),
        ).per_query.set_index("query")
        keys = ("recall_5", "ndcg_cut_10", "map", "recip_rank", "P_5", "success_1")
        theirs = pytrec_eval.RelevanceEvaluator(
            qrels, {"recall", "ndcg_cut", "map", "recip_rank", "P", "success"}
        ).evaluate(run)
        for query in labels.queries:
            np.testing.assert_allclose(found.loc[query], [theirs[query][key] for key in keys], atol=1e-9)


def test_what_does_not_fit_together_is_refused_by_name(tmp_path: Path) -> None:
    labels = read_qrels(write(tmp_path / "qrels", QRELS))
    with pytest.raises(InputError, match="judged queries that the run lacks: q2; count 0 for them: --missing zero"):
        score_run(read_run(write(tmp_path / "run", "q1 Q0 a 1 0.5 me\n")), labels)
    half = score_run(read_run(tmp_path / "run"), labels, missing="zero", measures=("R@1", "Success@1"))
    assert half.missing == ["q2"]
    assert half.scores["Success@1"]["value"] == 0.5
    assert half.scores["R@1"]["value"] == 0.25
    stray = read_run(write(tmp_path / "stray", RUN + "q9 Q0 a 1 1 me\n"))
    with pytest.raises(InputError, match=r"not judged.*: q9; leave them out: --unknown ignore|without a judgement: q9"):
        score_run(stray, labels)
    assert score_run(stray, labels, unknown="ignore").unknown == 1
    with pytest.raises(InputError, match=r"(?i)nan.*q1|q1.*nan"):
        score_run(read_run(write(tmp_path / "nan", RUN.replace("0.25", "nan"))), labels)
    with pytest.raises(InputError, match=r"(?i)inf.*q1|q1.*inf"):
        score_run(read_run(write(tmp_path / "inf", RUN.replace("0.25", "-inf"))), labels)
    with pytest.raises(InputError, match="twice"):
        score_run(read_run(write(tmp_path / "twice", RUN + "q1 Q0 a 9 0.1 me\n")), labels)
    # A judged query without a right document may be in the run: it is neither missing nor unknown.
    assert score_run(read_run(write(tmp_path / "wrong", RUN + "q3 Q0 a 1 1 me\n")), labels).scores["n"] == 2


def test_galleries_bound_a_run(tmp_path: Path) -> None:
    labels, run = read_qrels(write(tmp_path / "qrels", QRELS)), read_run(write(tmp_path / "run", RUN))
    rows = [{"query-id": "q1", "corpus-ids": ["a", "b", "c", "x"]}, {"query-id": "q2", "corpus-ids": ["d", "e"]}]

    def galleries(changed: list[dict[str, object]]) -> dict[str, list[str]]:
        return read_galleries(write(tmp_path / "g.jsonl", "".join(json.dumps(row) + "\n" for row in changed)))

    scored = score_run(run, labels, galleries=galleries(rows), measures=("Success@1",))
    assert scored.scores["Success@1"]["random"] == pytest.approx((2 / 4 + 1 / 2) / 2)
    pd.DataFrame(rows).to_parquet(tmp_path / "g.parquet")
    assert {q: list(g) for q, g in read_galleries(tmp_path / "g.parquet").items()} == galleries(rows)
    with pytest.raises(InputError, match=r"documents of the run outside the gallery \(query document\): q1 x"):
        score_run(run, labels, galleries=galleries([{"query-id": "q1", "corpus-ids": ["a", "b"]}, rows[1]]))
    with pytest.raises(InputError, match="right documents outside the gallery of the queries q2"):
        score_run(run, labels, galleries=galleries([rows[0], {"query-id": "q2", "corpus-ids": ["e"]}]))
    with pytest.raises(InputError, match="judged queries without a gallery: q2"):
        score_run(run, labels, galleries=galleries(rows[:1]))
    with pytest.raises(InputError, match="twice in the gallery of q2"):
        galleries([rows[0], {"query-id": "q2", "corpus-ids": ["d", "d"]}])
    with pytest.raises(InputError, match="two galleries"):
        galleries([rows[0], rows[0]])


def test_the_run_of_an_evaluation_scores_as_the_evaluation(cache: Path, tmp_path: Path) -> None:
    result = evaluate("omnicvr-mini", "random", Settings(cache=cache))
    benchmark = load_benchmark("omnicvr-mini")
    lines = [
        f"{q.id} 0 {benchmark.documents[benchmark.positives[i][0]].id} 1\n" for i, q in enumerate(benchmark.queries)
    ]
    labels = read_qrels(write(tmp_path / "qrels", "".join(lines)))
    for name in ("run.parquet", "run.txt.gz"):
        write_run(result.run, tmp_path / name)
        scored = score_run(read_run(tmp_path / name), labels)
        for measure, entry in scored.scores.items():
            if measure != "n":
                assert entry["value"] == result.record["scores"]["gallery"]["all"][measure]["value"], (name, measure)

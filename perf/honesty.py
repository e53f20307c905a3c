"""What peers print of two systems that have earned nothing: `python perf/honesty.py`.

One gives all 60 candidates of each query one score: by chance R@1 is 1.7 %. Ids are named so that the right candidate
sorts first, or last. The other answers only those 300 of 1,000 queries that it gets right: R@1 is 30 %.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import ir_measures
import pandas as pd
import pytrec_eval
from mteb._evaluators.retrieval_metrics import calculate_retrieval_scores

import mmret

QUERIES, CANDIDATES, ANSWERED = 1000, 60, 300
Scores = dict[str, dict[str, float]]
Labels = dict[str, dict[str, int]]


def made(right: str) -> tuple[Labels, Scores, Scores]:
    """Labels, one score for all, and easy queries alone; the right candidate has the id `right`."""
    candidates = [right, *(f"m{i:02}" for i in range(CANDIDATES - 1))]
    names = [f"q{i:04}" for i in range(QUERIES)]
    able = {candidate: float(candidate == right) for candidate in candidates}
    return (
        {name: {right: 1} for name in names},
        {name: dict.fromkeys(candidates, 0.5) for name in names},
        dict.fromkeys(names[:ANSWERED], able),
    )


def by_pytrec_eval(labels: Labels, scores: Scores) -> float:
    """The mean over what is returned, as its own example takes it."""
    found = pytrec_eval.RelevanceEvaluator(labels, {"success.1"}).evaluate(scores)
    return 100 * sum(one["success_1"] for one in found.values()) / len(found)


def by_mteb(labels: Labels, scores: Scores) -> float:
    return 100 * float(calculate_retrieval_scores(scores, labels, [1]).recall["Recall@1"])


def by_ir_measures(labels: Labels, scores: Scores) -> float:
    measure = ir_measures.parse_measure("Success@1")
    return 100 * float(ir_measures.calc_aggregate([measure], labels, scores)[measure])


def by_mmret(labels: Labels, scores: Scores) -> float:
    """Of a run that lacks queries, what it says with `missing="zero"`; usually it refuses such a run."""
    with TemporaryDirectory() as folder:
        run, qrels = Path(folder) / "run.parquet", Path(folder) / "qrels.txt"
        rows = [(query, document, score) for query, own in scores.items() for document, score in own.items()]
        pd.DataFrame(rows, columns=["query", "document", "score"]).to_parquet(run)
        qrels.write_text("".join(f"{query} 0 {document} 1\n" for query, own in labels.items() for document in own))
        found = mmret.score_run(mmret.read_run(run), mmret.read_qrels(qrels), measures=["R@1"], missing="zero")
    return 100 * float(found.scores["R@1"]["value"])


def main() -> None:
    first, last = made("a"), made("z")
    print(f"{'R@1, percent':28} {'one score, right id first':>26} {'… last':>8} {'300 easy queries of 1,000':>26}")
    engines = {"mteb": by_mteb, "pytrec_eval-terrier": by_pytrec_eval, "ir_measures": by_ir_measures, "mmret": by_mmret}
    for name, score in engines.items():
        told = f"{score(first[0], first[1]):26.1f} {score(last[0], last[1]):8.1f} {score(first[0], first[2]):26.1f}"
        print(f"{name + ' ' + version(name):28} {told}")
    print(f"{'the truth':28} {100 / CANDIDATES:26.1f} {100 / CANDIDATES:8.1f} {100 * ANSWERED / QUERIES:26.1f}")


if __name__ == "__main__":
    main()

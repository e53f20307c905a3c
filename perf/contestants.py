"""Who takes part: for each workload, functions that take its data, prepare, and return what is to be timed."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from workloads import Lists, Sets, Vectors

from mmret.evaluation.labels import read_qrels
from mmret.evaluation.measures import Measure
from mmret.evaluation.ranks import Counts, VectorSets, count, count_maxsim, count_scores
from mmret.evaluation.runs import Run, read_run, write_run
from mmret.evaluation.score_run import score_run

Job = Callable[[], object]
MEASURES = [Measure.parse(name) for name in ("nDCG@10", "AP", "MRR", "R@1", "R@5", "R@10", "R@50")]
TREC = {"ndcg_cut.10", "map", "recip_rank", "recall.1,5,10,50"}
TILE = 4096


def mmret(data: Vectors) -> Job:
    """With torch loaded, as it is after encoding."""
    import torch  # noqa: F401

    def run() -> None:
        greater, tied = count(data.queries, data.documents, data.probes, gallery=data.gallery)
        n = len(data.targets)
        sizes = np.full(n, len(data.documents)) if data.gallery is None else data.gallery.sizes
        _measure(Counts(np.arange(n, dtype=np.int32), np.ones(n), greater, tied, sizes))

    return run


def mmret_mapped(data: Vectors) -> Job:
    """The corpus in a file that is mapped, not loaded."""
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:  # the mapping outlives the name
        np.save(file, data.documents)
        file.flush()
        mapped = np.load(file.name, mmap_mode="r")
    return mmret(Vectors(data.queries, mapped, data.targets, data.gallery))


def bare_product(data: Vectors) -> Job:
    """The product alone, in tiles like ours, written over and over into one block."""
    room = np.empty(len(data.queries) * TILE, np.float32)

    def run() -> None:
        for start in range(0, len(data.documents), TILE):
            part = data.documents[start : start + TILE]
            out = room[: len(data.queries) * len(part)].reshape(len(data.queries), len(part))
            np.matmul(data.queries, part.T, out=out)

    return run


def torch_product(data: Vectors) -> Job:
    """The same by torch, whose BLAS is the faster on some processors."""
    import torch

    queries, room = torch.from_numpy(data.queries), torch.empty(len(data.queries) * TILE)

    def run() -> None:
        for start in range(0, len(data.documents), TILE):
            part = torch.from_numpy(data.documents[start : start + TILE])
            torch.mm(queries, part.T, out=room[: len(queries) * len(part)].view(len(queries), len(part)))

    return run


def plain_count(data: Vectors) -> Job:
    """The product and one comparison: what everybody does, not exact."""

    def run() -> None:
        targets = np.vecdot(data.queries, data.documents[data.targets])
        greater = np.zeros(len(data.queries), np.int64)
        room = np.empty(len(data.queries) * TILE, np.float32)
        for start in range(0, len(data.documents), TILE):
            part = data.documents[start : start + TILE]
            out = room[: len(data.queries) * len(part)].reshape(len(data.queries), len(part))
            greater += np.count_nonzero(np.matmul(data.queries, part.T, out=out) > targets[:, None], axis=1)

    return run


def torch_count(data: Vectors) -> Job:
    """The same with torch's product."""
    import torch

    queries, room = torch.from_numpy(data.queries), torch.empty(len(data.queries) * TILE)

    def run() -> None:
        targets = np.vecdot(data.queries, data.documents[data.targets])
        greater = np.zeros(len(data.queries), np.int64)
        for start in range(0, len(data.documents), TILE):
            part = torch.from_numpy(data.documents[start : start + TILE])
            out = torch.mm(queries, part.T, out=room[: len(queries) * len(part)].view(len(queries), len(part)))
            greater += np.count_nonzero(out.numpy() > targets[:, None], axis=1)

    return run


def faiss_flat(data: Vectors) -> Job:
    import faiss

    index = faiss.IndexFlatIP(data.documents.shape[1])
    index.add(data.documents)
    return lambda: index.search(data.queries, 50)


def faiss_knn(data: Vectors) -> Job:
    import faiss

    return lambda: faiss.knn(data.queries, data.documents, 50, metric=faiss.METRIC_INNER_PRODUCT)


def faiss_selector(data: Vectors) -> Job:
    """One search a query, with a bitmap of its candidates."""
    import faiss

    assert data.gallery is not None
    gallery = data.gallery
    index = faiss.IndexFlatIP(data.documents.shape[1])
    index.add(data.documents)

    def run() -> None:
        bits = np.zeros(8 * -(-len(data.documents) // 8), np.uint8)
        for i, own in enumerate(gallery):
            bits[:] = 0
            bits[own] = 1
            selector = faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
            index.search(data.queries[i : i + 1], 50, params=faiss.SearchParameters(sel=selector))

    return run


def mteb_evaluator(data: Vectors) -> Job:
    """mteb's RetrievalEvaluator as its retrieval tasks run it: cosine, 1,000 hits; vectors are ready, not encoded."""
    import mteb
    from datasets import Dataset, disable_progress_bars
    from mteb._evaluators import RetrievalEvaluator
    from mteb.models.search_wrappers import SearchEncoderWrapper
    from mteb.timing import TimingStack

    disable_progress_bars()
    n = len(data.queries)
    documents = Dataset.from_dict({"id": [f"d{i}" for i in range(len(data.documents))]})
    documents = documents.add_column("text", [""] * len(documents))
    queries = Dataset.from_dict({"id": [f"q{i}" for i in range(n)], "text": [""] * n})
    top_ranked = None
    if data.gallery is not None:
        top_ranked = {f"q{i}": [f"d{c}" for c in own.tolist()] for i, own in enumerate(data.gallery)}
    qrels = {f"q{i}": {f"d{target}": 1} for i, target in enumerate(data.targets.tolist())}
    hits = (1, 3, 5, 10, 20, 100, 1000)

    def run() -> None:
        evaluator = RetrievalEvaluator(
            corpus=documents,
            queries=queries,
            task_metadata=mteb.get_task("NFCorpus").metadata,
            hf_split="test",
            hf_subset="default",
            top_k=max(hits),
            top_ranked=top_ranked,
            timer=TimingStack(),
        )
        found = evaluator(SearchEncoderWrapper(_Ready(data)), encode_kwargs={"show_progress_bar": False})
        evaluator.evaluate(qrels, found, hits)

    return run


class _Ready:
    """An mteb encoder that hands out vectors made before, in the order asked."""

    mteb_model_meta = None

    def __init__(self, data: Vectors) -> None:
        import torch

        self.queries, self.documents = torch.from_numpy(data.queries), torch.from_numpy(data.documents)
        self.passed = 0

    def encode(self, inputs: Any, *, prompt_type: Any, **_: Any) -> Any:
        from mteb.types import PromptType

        if prompt_type == PromptType.query:
            return self.queries
        start, self.passed = self.passed, self.passed + len(inputs.dataset)
        return self.documents[start : self.passed]

    def similarity(self, left: Any, right: Any) -> Any:
        from mteb.similarity_functions import cos_sim

        return cos_sim(left, right)


def mmret_maxsim(data: Sets) -> Job:
    """With torch loaded, as it is after encoding."""
    import torch  # noqa: F401

    (n, m, d), (documents, k, _) = data.queries.shape, data.documents.shape
    left = VectorSets(data.queries.reshape(-1, d), np.arange(n + 1) * m)
    right = VectorSets(data.documents.reshape(-1, d), np.arange(documents + 1) * k)
    return lambda: count_maxsim(left, right, data.probes)


def mteb_maxsim(data: Sets) -> Job:
    import torch
    from mteb.similarity_functions import max_sim

    left, right = torch.from_numpy(data.queries), torch.from_numpy(data.documents)
    return lambda: max_sim(left, right)


def bare_maxsim_product(data: Sets) -> Job:
    left = data.queries.reshape(-1, data.queries.shape[2])

    def run() -> None:
        for document in data.documents:
            left @ document.T

    return run


def mmret_lists(data: Lists, *, checked: bool = False) -> Job:
    gains = np.ones(data.positives.size)
    return lambda: _measure(count_scores(data.run, data.scores.ravel(), data.wanted, gains, checked=checked))


def mmret_checked_lists(data: Lists) -> Job:
    """The reader of the run has already looked for NaN and repetitions."""
    return mmret_lists(data, checked=True)


def trec_eval(data: Lists) -> Job:
    import pytrec_eval

    run, qrels = _dictionaries(data)
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, TREC)
    return lambda: evaluator.evaluate(run)


def ir_measures(data: Lists) -> Job:
    import ir_measures

    run, qrels = _dictionaries(data)
    measures = [ir_measures.parse_measure(name) for name in ("nDCG@10", "AP", "RR", "R@1", "R@5", "R@10", "R@50")]
    evaluator = ir_measures.evaluator(measures, qrels)
    return lambda: evaluator.calc(run)


def mmret_parquet_file(data: Lists) -> Job:
    return _mmret_file(data, "run.parquet")


def mmret_trec_file(data: Lists) -> Job:
    return _mmret_file(data, "run.txt")


def _mmret_file(data: Lists, name: str) -> Job:
    path = _files(data) / name
    return lambda: score_run(read_run(path), read_qrels(path.with_name("qrels")), measures=list(map(str, MEASURES)))


def trec_eval_file(data: Lists) -> Job:
    import pytrec_eval

    folder = _files(data)

    def run() -> None:
        with (folder / "qrels").open() as qrels, (folder / "run.txt").open() as lines:
            evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(qrels), TREC)
            evaluator.evaluate(pytrec_eval.parse_run(lines))

    return run


def ir_measures_file(data: Lists) -> Job:
    import ir_measures

    folder = _files(data)
    measures = [ir_measures.parse_measure(name) for name in ("nDCG@10", "AP", "RR", "R@1", "R@5", "R@10", "R@50")]

    def run() -> None:
        qrels = list(ir_measures.read_trec_qrels(str(folder / "qrels")))
        ir_measures.calc_aggregate(measures, qrels, ir_measures.read_trec_run(str(folder / "run.txt")))

    return run


@functools.cache
def _written() -> Path:
    return Path(tempfile.mkdtemp())


def _files(data: Lists) -> Path:
    """A folder with the run in both forms and its qrels, written once a process."""
    folder = _written()
    if not (folder / "qrels").exists():
        n, _ = data.positions.shape
        queries, documents = [f"q{i}" for i in range(n)], [f"d{i}" for i in range(int(data.positions.max()) + 1)]
        run = Run(queries, documents, data.run, data.scores.ravel())
        for name in ("run.parquet", "run.txt"):
            write_run(run, folder / name)
        pairs = zip(np.repeat(queries, data.positives.shape[1]), data.positives.ravel().tolist(), strict=True)
        (folder / "qrels").write_text("".join(f"{query} 0 d{document} 1\n" for query, document in pairs))
    return folder


def _dictionaries(data: Lists) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    run = {
        f"q{i}": dict(zip([f"d{c}" for c in row.tolist()], scores.tolist(), strict=True))
        for i, (row, scores) in enumerate(zip(data.positions, data.scores, strict=True))
    }
    return run, {f"q{i}": {f"d{c}": 1 for c in own.tolist()} for i, own in enumerate(data.positives)}


def _measure(counts: Counts) -> None:
    for measure in MEASURES:
        measure.aggregate(measure(counts).expected)

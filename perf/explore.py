"""The explorer on runs of OmniCVR's size: `python perf/explore.py`.

Two systems, 5,000 queries with 2,000 of 16,316 clips each: what it takes to read the results, to open the first view,
to go to the next query, and to search all clips for a typed question. Vectors are random; labels and galleries too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from memory import megabytes

from mmret.benchmarks import Benchmark, Ragged
from mmret.encoders import Options, Spec, register_encoder
from mmret.evaluation import PROTOCOLS, Result, Settings, evaluate, load_result, usual_measures
from mmret.evaluation.results import SCHEMA
from mmret.evaluation.runs import run_of
from mmret.evaluation.scoring import vector_answers
from mmret.evaluation.summary import summaries_of
from mmret.items import Item, Media, Side
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.browse import select
from mmret.leaderboard.explorer.live import LiveSearch
from mmret.leaderboard.explorer.mending import rescored
from mmret.leaderboard.explorer.pages import page
from mmret.leaderboard.explorer.pages.scene import Scene
from mmret.leaderboard.explorer.views import query_view, rows_view
from mmret.leaderboard.explorer.votes import Votes
from mmret.serving.media import MediaShelf

QUERIES, GALLERY, CLIPS, WIDTH = 5_000, 2_000, 16_316, 384
T = TypeVar("T")


def made() -> Benchmark:
    """Labels of OmniCVR's shape: each query has its source and its target in a gallery of its own."""
    draw = np.random.default_rng(0)
    clips = [Media(Path(f"/nowhere/{i:05}.mp4")) for i in range(CLIPS)]
    documents = [Item(f"{i:05}", video=clip, audio=clip) for i, clip in enumerate(clips)]
    galleries = np.stack([draw.choice(CLIPS, GALLERY, replace=False) for _ in range(QUERIES)]).astype(np.int32)
    source, target = galleries[:, 0].copy(), galleries[:, 1].copy()
    texts = [f"the same with a {'violin' if i % 3 else 'drum'} and more light, step {i}" for i in range(QUERIES)]
    queries = [Item(f"{i:04}", texts[i], video=clips[s], audio=clips[s]) for i, s in enumerate(source.tolist())]
    return Benchmark(
        name="made",
        version="1",
        queries=queries,
        documents=documents,
        positives=Ragged(np.arange(QUERIES + 1), target),
        gains=np.ones(QUERIES),
        galleries=Ragged(np.arange(QUERIES + 1) * GALLERY, galleries.ravel()),
        source=source,
        slices={"music": np.arange(0, QUERIES, 2), "speech": np.arange(1, QUERIES, 2)},
    )


def result(benchmark: Benchmark, name: str, seed: int) -> Result:
    """The result of a system whose queries lie near their targets."""
    draw = np.random.default_rng(seed)
    documents = _unit(draw.standard_normal((CLIPS, WIDTH), np.float32))
    noise = _unit(draw.standard_normal((QUERIES, WIDTH), np.float32))
    queries = _unit(0.15 * documents[benchmark.positives.positions] + noise)
    protocols = [PROTOCOLS["gallery"], PROTOCOLS["gallery-no-source"]]
    answers = vector_answers(benchmark, protocols, queries, documents, 64_000_000)
    summaries = summaries_of(benchmark, answers.standings, usual_measures(benchmark), 0)
    entry = {"name": benchmark.name, "digest": benchmark.digest, "scored_digest": benchmark.digest}
    record = {
        "schema": SCHEMA,
        "benchmark": entry | {"version": "1", "media_digest": "", "view": ""},
        "model": {"name": name, "revision": "1"},
        "settings": {"passed": {}, "resolved": {"measures": list(usual_measures(benchmark)), "drop": []}},
        "scores": {protocol: summary.scores for protocol, summary in summaries.items()},
        "excluded": {"documents": [], "queries": []},
        "run_depth": None,
    }
    values = pd.concat([summary.per_query for summary in summaries.values()], ignore_index=True)
    return Result(record, values, run_of(benchmark, protocols[0], answers.scores))


def timed(what: str, work: Callable[[], T], aim: str = "") -> T:
    """Run and print seconds, and the processor's, which other work on the machine leaves alone."""
    start, busy = time.perf_counter(), time.process_time()
    found = work()
    print(f"{what:<36} {time.perf_counter() - start:7.3f} s, {time.process_time() - busy:6.3f} CPU s  {aim}")
    return found


class Made:
    """An encoder that costs nothing, so that a search takes what searching takes."""

    spec = Spec("made", "1", frozenset({"text"}), frozenset({"text"}), "random vectors", "Apache-2.0")

    def __init__(self, options: Options) -> None:  # noqa: ARG002
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> np.ndarray:  # noqa: ARG002
        seeds = [int(item.digest, 16) for item in items]
        return np.stack([np.random.default_rng(one).standard_normal(WIDTH, np.float32) for one in seeds])


def browse(folder: Path, benchmark: Benchmark, asked: int) -> None:
    """Open the results and walk through their queries."""
    start = megabytes("VmRSS")
    results = timed("read two results", lambda: [load_result(folder / name) for name in ("one", "two")])
    read = megabytes("VmRSS")
    study = timed("open them as a study", lambda: Study.of(results, lambda _: benchmark))
    shelf = timed("tokens of all media", lambda: MediaShelf([*benchmark.documents, *benchmark.queries]))

    def view() -> None:
        facts = study.facts("gallery")
        rows_view(facts, select(facts, sort="gap")[:50])
        query_view(facts, shelf, 0)

    timed("first view", view, "aim 2 s")
    facts = study.facts("gallery")
    seconds = [
        spent(lambda query=query: query_view(facts, shelf, query)) for query in range(0, QUERIES, QUERIES // asked)
    ]
    print(f"{'next query':<36} {np.median(seconds):7.3f} s  (most {max(seconds):.3f}) aim 0.3 s")
    scene = Scene(study, shelf, Votes(folder / "votes.jsonl", benchmark))
    timed("page of the first view", lambda: page(scene, "?sort=gap"), "aim 2 s")
    names = [benchmark.queries[query].id for query in range(0, QUERIES, QUERIES // asked)]
    seconds = [spent(lambda name=name: page(scene, f"?sort=gap&query={name}")) for name in names]
    print(f"{'page of the next query':<36} {np.median(seconds):7.3f} s  (most {max(seconds):.3f}) aim 0.3 s")
    timed("page of the summaries", lambda: page(scene, "?tab=summaries"))
    timed("list of a text, by gap", lambda: select(facts, text="violin light 7", sort="gap", kind="wrong"))
    timed("the same facts without the source", lambda: study.facts("gallery-no-source"))
    timed("figures by mended labels, and before", lambda: rescored(study, scene.votes, "gallery"))
    besides = max(0, megabytes("VmRSS") - read)
    print(f"memory: results {read - start:.0f} MB, the explorer {besides:.0f} MB besides")


def search(cache: Path) -> None:
    """Search the vectors of all clips."""
    register_encoder(Made)
    documents = [Item(f"{i:05}", f"clip {i}") for i in range(CLIPS)]
    queries = [Item(f"{i:02}", f"query {i}") for i in range(10)]
    benchmark = Benchmark(
        "texts", "1", queries, documents, Ragged(np.arange(11), np.arange(10, dtype=np.int32)), np.ones(10)
    )
    settings = Settings(cache=cache, cost_items=0, batch_size=1024)
    study = Study.of([evaluate(benchmark, "made", settings)], lambda _: benchmark)
    with timed("open a search, vectors in the store", lambda: LiveSearch(study, "made", settings=settings)) as live:
        seconds = [live.search(live.item(f"a question, number {i}")).searching for i in range(30)]
    print(f"{'live query beside the encoder':<36} {np.median(seconds):7.3f} s  (most {max(seconds):.3f}) aim 0.2 s")


def spent(work: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def write(folder: Path) -> None:
    """The results of two systems."""
    benchmark = made()
    for seed, name in enumerate(("one", "two")):
        result(benchmark, name, seed).save(folder / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--browse", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--asked", type=int, default=200, help="queries that are looked at")
    arguments = parser.parse_args()
    if arguments.browse:
        browse(arguments.browse, made(), arguments.asked)
    else:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder))
            asked = ["--asked", str(arguments.asked)]
            subprocess.run([sys.executable, __file__, "--browse", folder, *asked], check=True)
            search(Path(folder) / "cache")

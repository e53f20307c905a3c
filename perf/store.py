"""An evaluation of OmniCVR's size whose vectors are all known, and what embedding loses beside the model alone.

`python perf/store.py repeated` makes labels, tars and vectors of that size (0.5 GB in a temporary folder), evaluates
once to fill the store, and then once more for each layout of the labels, in processes of their own.

`python perf/store.py throughput` embeds the clips of `omnicvr-mini` with a model that takes a given time an item:
beside the same model on frames in memory, while decoding keeps up, and beside the decoders alone, where they do not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from memory import megabytes
from numpy.typing import NDArray

from mmret.benchmarks import load_benchmark
from mmret.encoders import Memory, Options, Spec
from mmret.evaluation import Settings, evaluate
from mmret.evaluation.embedding import embed_sides
from mmret.evaluation.replica import Replica
from mmret.items import Item, Side
from mmret.media import ClipLoader, ClipRequest, Report, Workers, decode, digest_all
from mmret.media.preflight import REPORT_VERSION
from mmret.meter import Meter

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 1536
REQUEST = ClipRequest(8, sound=False)
EVERYTHING = frozenset({"text", "video", "audio"})


class Known:
    """A random vector an item, drawn from its digest."""

    spec = Spec("known", "1", EVERYTHING, EVERYTHING, "", "")

    def __init__(self, options: Options) -> None:  # noqa: ARG002
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002
        seeds = [int(item.digest[:16], 16) for item in items]
        return np.stack([np.random.default_rng(seed).standard_normal(WIDTH, np.float32) for seed in seeds])


def repeated() -> None:
    """CPU seconds and memory of reading, scoring and writing 5,000 queries over 16,316 × 1,536."""
    sys.path.insert(0, str(ROOT))
    from tests.benchmarks.omnicvr_files import make_labels, write_original, write_reupload, write_tars

    with tempfile.TemporaryDirectory() as name:
        labels, folder = make_labels(), Path(name)
        for layout, write in (("original", write_original), ("reupload", write_reupload)):
            write(folder / layout, labels)
            write_tars(folder / layout, labels.documents, [b"x" * 1000])
            _report_all(folder / layout, folder / "cache")
        for layout in ("reupload", "reupload", "original"):
            command = [
                sys.executable,
                __file__,
                "once",
                "--data",
                str(folder / layout),
                "--cache",
                str(folder / "cache"),
            ]
            # One thread of BLAS: others wait actively for the next product, and their waiting counts as CPU time.
            subprocess.run(command, check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})


def _report_all(data: Path, cache: Path) -> None:
    """As if all clips had been found sound."""
    benchmark = load_benchmark("omnicvr", data, cache=cache)
    files = {media for item in benchmark.documents for media in item.media}
    digest_all(files, cache)
    report = asdict(Report(frames=9, frames_claimed=9, video_codec="h264", audio_codec="aac", sound=1.0, peak=1.0))
    rows = ({"version": REPORT_VERSION, "sha256": media.digest, **report} for media in files)
    (cache / "preflight.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def once(data: Path, cache: Path) -> None:
    """One evaluation in this process."""
    start = time.process_time()
    settings = Settings(cache=cache, cost_items=0, device="cpu")
    benchmark = load_benchmark("omnicvr", data, cache=cache)
    read = time.process_time()
    result = evaluate(benchmark, "python:store:Known", settings)
    result.save(data / "result", overwrite=True)
    took = time.process_time() - start
    stages = ", ".join(f"{name} {one['seconds']:.1f}" for name, one in result.record["cost"]["stages"].items())
    embedded = "embed document" in result.record["cost"]["stages"]
    print(
        f"{data.name}, {'vectors made' if embedded else 'vectors known'}: {took:.1f} CPU s ({read - start:.1f} labels; "
        f"{stages}), {len(result.record['scores'])} protocols, peak {megabytes('VmHWM'):.0f} MB; aim 15 CPU s, 600 MB"
    )


class Timed:
    """Looks at all frames and takes so many seconds an item besides, as a GPU would while this process waits."""

    spec = Spec("timed", "1", frozenset({"video"}), frozenset({"video"}), "", "")

    def __init__(self, workers: Workers, meter: Meter, seconds: float) -> None:
        self._loader = ClipLoader(REQUEST, workers, meter)
        self._seconds = seconds
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002
        self._loader.expect(item.keep(["video"]) for item in items)
        return np.stack([self.vector(self._loader.frames(item)) for item in items])

    def vector(self, frames: NDArray[np.uint8] | None) -> NDArray[np.float32]:
        assert frames is not None
        time.sleep(self._seconds)
        return frames[:, ::16, ::16].mean((1, 2)).ravel().astype(np.float32)


def throughput(rounds: int, count: int) -> None:
    """Items a second: end to end, the model on frames in memory, and the decoders alone."""
    items = [item.keep(["video"]) for item in load_benchmark("omnicvr-mini").documents]
    with Workers(count) as workers:
        list(workers.map(len, ["warm"] * count))
        guess = _decoders(workers, items)
        for name, seconds in (("decoding keeps up", 2 / guess), ("decoding is the limit", 0.2 / guess)):
            rows = [_round(workers, items, seconds) for _ in range(rounds)]
            ours, bare, alone = (median(one) for one in zip(*rows, strict=True))
            ratio = median(ours / min(bare, alone) for ours, bare, alone in rows)
            print(
                f"{name}: {ours:.1f} items/s end to end; model alone {bare:.1f}, {count} decoders alone {alone:.1f}; "
                f"{ratio:.2f} of the lesser; aim 0.90"
            )


def _round(workers: Workers, items: Sequence[Item], seconds: float) -> tuple[float, float, float]:
    """Items a second: ours, the model on frames in memory, and the decoders, one after the other."""
    before = _decoders(workers, items)
    ours = _end_to_end(workers, items, seconds)
    return ours, _from_memory(items, seconds), (before + _decoders(workers, items)) / 2


def _decoders(workers: Workers, items: Sequence[Item]) -> float:
    start = time.perf_counter()
    for future in [workers.submit(decode, item.video, REQUEST) for item in items]:
        workers.result_of(future)
    return len(items) / (time.perf_counter() - start)


def _end_to_end(workers: Workers, items: Sequence[Item], seconds: float) -> float:
    meter = Meter()
    with tempfile.TemporaryDirectory() as cache:
        replica = Replica(Timed(workers, meter, seconds), workers, meter, Memory())
        start = time.perf_counter()
        embed_sides(replica, {"document": items}, Path(cache), batch_size=16, cost_items=0, device="cpu", show=False)
        return len(items) / (time.perf_counter() - start)


def _from_memory(items: Sequence[Item], seconds: float) -> float:
    with Workers(1) as idle:
        model = Timed(idle, Meter(), seconds)
        frames = np.zeros((8, 240, 320, 3), np.uint8)
        start = time.perf_counter()
        for _ in items:
            model.vector(frames)
        return len(items) / (time.perf_counter() - start)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["repeated", "once", "throughput"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.what == "repeated":
        repeated()
    elif given.what == "once":
        sys.path.insert(0, str(Path(__file__).parent))
        once(given.data, given.cache)
    else:
        throughput(given.rounds, given.workers)

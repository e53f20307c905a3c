"""OCR through the pool beside the bare library: `python perf/ocr.py`.

The library reads the same drawn tables in plain processes of one thread, each with half of them, first alone and then
as many side by side as the pool has; the pool's own time counts digests, the cache and the start of its processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from mmret.pipelines.ocr import read_pictures
from mmret.pipelines.ocr.rapid import PARAMETERS

ROOT = Path(__file__).resolve().parents[1]


def bare(paths: Sequence[str]) -> float:
    """Seconds that the library alone takes for pictures, its start not counted; the same settings and one thread."""
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine = RapidOCR(params={"Global.log_level": "critical", "Global.use_cls": False, **threads, **PARAMETERS})
    engine(paths[0])
    start = time.perf_counter()
    for path in paths:
        engine(path)
    return time.perf_counter() - start


def side_by_side(paths: list[str], workers: int) -> float:
    """Pictures a second of that many plain processes at once."""
    with multiprocessing.get_context("forkserver").Pool(workers) as pool:
        seconds = pool.map(bare, [paths[i::workers] for i in range(workers)], chunksize=1)
    return sum(len(paths[i::workers]) / took for i, took in enumerate(seconds))


def pooled(paths: list[str], workers: int) -> float:
    """Pictures a second through the pool, everything counted in."""
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        readings = list(read_pictures(map(Path, paths), workers=workers, cache=Path(cache)))
        took = time.perf_counter() - start
    if any(reading.page is None for reading in readings):
        raise SystemExit("some pictures could not be read")
    return len(paths) / took


def main(pictures: int, rounds: int, workers: int) -> None:
    sys.path.insert(0, str(ROOT))
    from tests.pipelines.ocr_pictures import draw_table, words_table

    with tempfile.TemporaryDirectory() as folder:
        paths = [
            str(draw_table(Path(folder) / f"{i}.png", words_table(3 + i % 7, 2 + i % 3), row=26 + i // 21))
            for i in range(pictures)
        ]
        alone, beside, ours = [], [], []
        for _ in range(rounds):
            alone.append(side_by_side(paths[::workers], 1))
            beside.append(side_by_side(paths, workers))
            ours.append(pooled(paths, workers))
    for name, rates in (("library, one process", alone), (f"library, {workers} processes", beside), ("pool", ours)):
        print(f"{name:24}{median(rates):7.2f} pictures/s")
    one = median(our / (rate * workers) for our, rate in zip(ours, alone, strict=True))
    many = median(our / rate for our, rate in zip(ours, beside, strict=True))
    print(f"pool / (one process × {workers})  {one:5.2f}   aim at least 0.85")
    print(f"pool / {workers} processes        {many:5.2f}   the same on cores that share their speed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.pictures, arguments.rounds, arguments.workers)

"""The report on runs of OmniCVR's size: `python perf/report.py`.

Two systems, 5,000 queries with 2,000 of 16,316 clips each (see `explore.py`). The clips are real files of OmniCVR's
mean length and size, 3 contents under 16,316 names. Aims: 20 s and 30 MB beside reading the results.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from explore import made, result, timed

from mmret.benchmarks import Benchmark
from mmret.evaluation import Result
from mmret.items import Item, Media
from mmret.leaderboard.explorer import Study
from mmret.leaderboard.explorer.report import write_report

SECONDS, PACE, SIZE, RATE, CONTENTS = 11.8, 25, (640, 360), 44_100, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="write the report here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        benchmark = with_clips(made(), folder)
        results = [told(result(benchmark, system, seed)) for seed, system in enumerate(("one", "two"))]
        study = Study.of(results, lambda _: benchmark)
        path = asked.keep or folder / "report.html"
        timed("report of 5,000 queries", lambda: write_report(study, path), "aim: 20 s")
        print(f"{path.stat().st_size / 1e6:.1f} MB, aim: 30 MB; load of the machine: {os.getloadavg()[0]:.1f}")


def told(found: Result) -> Result:
    """The result with what every result says of its origin."""
    origin = {"warnings": [], "environment": {"packages": {"mmret": "0"}}}
    return replace(found, record=found.record | origin | {"model": found.record["model"] | {"licence": ""}})


def with_clips(benchmark: Benchmark, folder: Path) -> Benchmark:
    """The same benchmark, each document a file of its own."""
    contents = [clip(folder / f"content-{i}.mp4", i) for i in range(CONTENTS)]
    print(f"clips of {sum(path.stat().st_size for path in contents) / CONTENTS / 1e6:.2f} MB, {SECONDS} s")
    media = []
    for i, document in enumerate(benchmark.documents):
        path = folder / f"{document.id}.mp4"
        os.link(contents[i % CONTENTS], path)
        media.append(Media(path))
    documents = [Item(one.id, video=clip, audio=clip) for one, clip in zip(benchmark.documents, media, strict=True)]
    assert benchmark.source is not None
    queries = [
        Item(one.id, one.text, video=media[source], audio=media[source])
        for one, source in zip(benchmark.queries, benchmark.source.tolist(), strict=True)
    ]
    return replace(benchmark, queries=queries, documents=documents)


def clip(path: Path, seed: int) -> Path:
    """Soft shapes that move, and a tone."""
    draw = np.random.default_rng(seed)
    columns, rows = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    grain = draw.normal(0, 3, (SIZE[1], SIZE[0], 1))
    turns = draw.uniform(0.005, 0.05, (3, 2))
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", PACE, {"preset": "veryfast", "b:v": "1M"})
        film.width, film.height, film.pix_fmt = *SIZE, "yuv420p"
        track = container.add_stream("aac", RATE, layout="stereo")
        for i in range(int(SECONDS * PACE)):
            waves = [np.sin(a * columns + b * rows + i / 5) for a, b in turns]
            noise = np.roll(grain, i, axis=0)
            picture = np.clip(np.stack(waves, axis=2) * 100 + 128 + noise, 0, 255).astype(np.uint8)
            container.mux(film.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(film.encode())
        tone = 0.3 * np.sin(2 * np.pi * 220 * (seed + 1) * np.arange(int(SECONDS * RATE)) / RATE)
        block = av.AudioFrame.from_ndarray(np.stack([tone, tone]).astype(np.float32), "fltp", "stereo")
        block.sample_rate = RATE
        container.mux([*track.encode(block), *track.encode()])
    return path


if __name__ == "__main__":
    main()

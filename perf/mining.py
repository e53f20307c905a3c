"""Time the mining of pairs of clips among vectors at hand, and say whether the figures set for it are met.

    python perf/mining.py [--clips 160000] [--width 512]

Vectors are made: clips of scenes and voices, so that each has neighbours above the paper's bound. The figures are 10
minutes on two cores and 3 GB, vectors included.
"""

from __future__ import annotations

import argparse
import json
import os
import time

import numpy as np
from memory import megabytes
from numpy.typing import NDArray

from mmret.pipelines.annotate.config import Mine
from mmret.pipelines.annotate.mine import mine
from mmret.pipelines.annotate.mine.moments import Moments
from mmret.pipelines.annotate.records import Clip

MINUTES, GIGABYTES = 10, 3
EACH = 720  # clips of an original: two hours
CLIPS_A_SCENE = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=160_000)
    parser.add_argument("--width", type=int, default=512)
    options = parser.parse_args()
    settings = Mine(
        audio_center=["visual > 0.9", "audio < 0.3"],
        visual_center=["visual < 0.7", "audio > 0.7 or same original"],
        integrated=["visual < 0.7", "audio < 0.3"],
    )
    moments = Moments.of([made_clip(i) for i in range(options.clips)], settings.seed)
    vectors = {
        "visual": made_vectors(options.clips, options.width, 1),
        "audio": made_vectors(options.clips, options.width, 2),
    }
    inputs = megabytes("VmHWM") / 1000
    wall, cpu = time.perf_counter(), time.process_time()
    found = mine(moments, ["test"] * options.clips, vectors, settings, show=True)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = megabytes("VmHWM") / 1000
    told = {
        "clips": options.clips, "width": options.width, "cores": os.cpu_count(), "load": os.getloadavg()[0],
        "seconds": round(wall, 1), "CPU seconds": round(cpu, 1), "GB with inputs": round(peak, 2),
        "GB of inputs": round(inputs, 2), "funnel": found.funnel,
    }  # fmt: skip
    print(json.dumps(told, indent=1))
    met = wall <= 60 * MINUTES and peak <= GIGABYTES
    print("met" if met else "NOT met", f"(at most {MINUTES} minutes and {GIGABYTES} GB)")


def made_clip(i: int) -> Clip:
    film, place = divmod(i, EACH)
    return Clip(
        id=f"{i:06}", original=f"film{film}", start=10.0 * place, end=10.0 * place + 10, fps=25, size=(640, 360),
        motion=1, richness=1, loudness=-20, phash="", sound_hash="", sha256="", licence="",
    )  # fmt: skip


def made_vectors(count: int, width: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors in scenes: two of one scene have a cosine of 0.93 in the mean, of two scenes of 0.4."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((count // CLIPS_A_SCENE + 1, width), np.float32) + 0.8
    vectors = centres[generator.integers(0, len(centres), count)]
    for start in range(0, count, 10_000):
        some = vectors[start : start + 10_000]
        some += 0.35 * generator.standard_normal(some.shape, np.float32)
        some /= np.linalg.norm(some, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main()

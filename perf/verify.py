"""Verifying media beside the bare decoder, and reading labels of OmniCVR's size: `python perf/verify.py`.

The decoder alone decodes all pictures and sound of the same clips in as many plain processes; both are timed by the
clock in turn, because the work is done by child processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import av
from memory import megabytes

from mmret.benchmarks import load_benchmark, read_draft, verify
from mmret.media import Preflight, Workers

ROOT = Path(__file__).resolve().parents[1]


def decode(path: str) -> int:
    """Frames of picture and sound in a file."""
    with av.open(path) as container:
        streams = [*container.streams.video[:1], *container.streams.audio[:1]]
        return sum(len(packet.decode()) for packet in container.demux(streams))


def media(rounds: int, workers: int) -> None:
    """Clips a second: verification, and the decoder in as many processes."""
    draft = read_draft("omnicvr-mini")
    paths = [str(media.path) for item in draft.documents for media in item.media] * 4
    ours, bare = [], []
    for _ in range(rounds):
        with multiprocessing.get_context("forkserver").Pool(workers) as pool:
            pool.map(decode, paths[:workers])
            start = time.perf_counter()
            pool.map(decode, paths, chunksize=4)
            bare.append((time.perf_counter() - start) / 4)
        with tempfile.TemporaryDirectory() as cache, Workers(workers) as pool:
            list(pool.map(decode, paths[:workers]))
            start = time.perf_counter()
            verify(draft, Preflight(pool, Path(cache) / "preflight.jsonl"), Path(cache), show=False)
            ours.append(time.perf_counter() - start)
    clips = len(draft.documents)
    print(f"verify     {clips / median(ours):7.1f} clips/s   (labels, digests and reports counted in)")
    print(f"decoder    {clips / median(bare):7.1f} clips/s   on {workers} processes")
    print(f"ratio      {median(bare) / median(ours):7.2f}   aim at least 0.85")


def labels() -> None:
    """Seconds and memory to read and validate 5,000 galleries of 2,000 in both layouts."""
    sys.path.insert(0, str(ROOT))
    from tests.benchmarks.omnicvr_files import make_labels, write_original, write_reupload

    with tempfile.TemporaryDirectory() as folder:
        made = make_labels()
        for name, write in (("original", write_original), ("reupload", write_reupload)):
            write(Path(folder) / name, made)
            subprocess.run([sys.executable, __file__, "--read", str(Path(folder) / name)], check=True)


def read(folder: Path) -> None:
    """One layout, in a process of its own."""
    before, start = megabytes("VmHWM"), time.process_time()
    load_benchmark("omnicvr", folder)
    took = time.process_time() - start
    peak = megabytes("VmHWM")
    print(f"{folder.name:10} {took:7.1f} CPU s, peak {peak:.0f} MB ({before:.0f} before); aim 10 s and 500 MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.read)
    else:
        media(arguments.rounds, arguments.workers)
        labels()

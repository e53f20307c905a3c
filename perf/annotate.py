"""How fast originals are looked at, against PyAV decoding alone: `python perf/annotate.py`.

Both read the same film, made of the clips of omnicvr-mini, from end to end, pictures and sound; they take turns.
The time of the processor is told beside that of the clock: on a busy machine only the former can be relied on.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median

import av

from mmret.pipelines.annotate.config import Segment
from mmret.pipelines.annotate.segment.scan import scan_file

CLIPS = Path(__file__).resolve().parents[1] / "mmret" / "benchmarks" / "data" / "omnicvr-mini" / "videos"
RATE = 24  # frames a second
SOUND = 48_000


def write_film(path: Path, width: int, height: int, clips: int) -> None:
    """A film of so many clips, each frame shown twice, as at 12 frames a second."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        sound = output.add_stream("aac", rate=SOUND, layout="mono")
        shown = heard = 0
        for clip in sorted(CLIPS.glob("*.mp4"))[:clips]:
            with av.open(str(clip)) as container:
                for frame in container.decode(video=0, audio=0):
                    if isinstance(frame, av.AudioFrame):
                        frame.pts, frame.time_base = heard, Fraction(1, SOUND)
                        heard += frame.samples
                        output.mux(sound.encode(frame))
                        continue
                    for _ in range(2):
                        copy = frame.reformat(width, height, "yuv420p", interpolation="BICUBIC")
                        copy.pts, copy.time_base, copy.pict_type = shown, Fraction(1, RATE), 0
                        shown += 1
                        output.mux(video.encode(copy))
            heard = shown * SOUND // RATE
        output.mux(video.encode())
        output.mux(sound.encode())


def decode(path: Path) -> int:
    """Frames that PyAV decodes, with as many threads as it likes."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(isinstance(frame, av.VideoFrame) for frame in container.decode(video=0, audio=0))


def scan(path: Path) -> int:
    """Frames that are looked at."""
    return scan_file(path, Segment()).frames


def rates(work: Callable[[Path], int], path: Path) -> tuple[float, float]:
    """Frames a second of the clock, and a second of the processor, all threads together."""
    clock, processor = time.perf_counter(), time.process_time()
    frames = work(path)
    return frames / (time.perf_counter() - clock), frames / (time.process_time() - processor)


def main(clips: int, rounds: int, sizes: Sequence[str]) -> None:
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; aim 60 %")
    for size in sizes:
        width, height = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            film = Path(folder) / "film.mp4"
            write_film(film, width, height, clips)
            found = [(rates(decode, film), rates(scan, film)) for _ in range(rounds)]
        for i, name in enumerate(("clock", "processor")):
            alone, ours = (median(one[i] for one in side) for side in zip(*found, strict=True))
            share = median(own[i] / bare[i] for bare, own in found)
            print(f"{size:10} {name:10} PyAV {alone:6.0f} frames/s   segment {ours:6.0f} frames/s   {share:4.0%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", nargs="+", default=["320x180", "1280x720", "1920x1080"])
    arguments = parser.parse_args()
    main(arguments.clips, arguments.rounds, arguments.size)

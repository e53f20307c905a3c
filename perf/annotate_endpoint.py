"""How busy the annotation pipeline keeps a slow server: `python perf/annotate_endpoint.py`; aimed at: 95 %.

Real clips are decoded, described by a server on this machine that takes a while for each, and their rows kept. Told is
the share of the allowed questions under way, by the server's clock, from the first question to the last answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmret.benchmarks import load_benchmark  # noqa: E402
from mmret.pipelines.annotate.describe import describe_project  # noqa: E402
from mmret.pipelines.annotate.llm import Askers  # noqa: E402
from tests.chat_server import answer, chat_server  # noqa: E402
from tests.pipelines.annotate.described import annotation, project  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="that an answer takes")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10, help="questions for each of the allowed ones")
    options = parser.parse_args()
    times: list[float] = []

    def reply(_: Any) -> dict[str, Any]:
        times.append(time.perf_counter())
        return answer(json.dumps(annotation()), usage=(100, 100))

    media = [item.media[0].path for item in load_benchmark("omnicvr-mini").documents]
    with tempfile.TemporaryDirectory() as folder, chat_server(reply) as server:
        clips = [Path(folder, f"{i}.mp4") for i in range(options.concurrency * options.rounds)]
        for i, clip in enumerate(clips):  # contents of their own, so that no answer is known already
            clip.write_bytes(media[i % len(media)].read_bytes() + b"\0\0\0\x0cfree" + i.to_bytes(4, "big"))
        server.delay = options.seconds
        model = f"m@{server.address}"
        made = project(
            Path(folder, "project"), clips, describe={"by": f"endpoint:{model}"},
            endpoint=[{"model": model, "concurrency": options.concurrency, "seconds": 600}],
        )  # fmt: skip
        started = time.perf_counter()
        with made:
            found = describe_project(made, Askers.of(made))
        took = times[-1] - times[0] + options.seconds
        share = server.busy / (options.concurrency * took)
        print(
            f"{len(clips)} clips {dict(found)}, {options.seconds:g} s an answer, {time.perf_counter() - started:.1f} s"
        )
        print(f"{options.concurrency} questions allowed at a time, {server.busiest} at most: {share:.1%} busy")


if __name__ == "__main__":
    main()

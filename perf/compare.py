"""Time mmret beside its peers, and say which of the figures set for it are met today.

    python perf/compare.py [W1 W2 …] [--small] [--rounds 3] [--no-memory]

The contestants of a workload run one after another in one process with one BLAS setting, `rounds` times in turn; what
counts is the median of their CPU seconds (all threads). Memory is the peak above the loaded inputs (anonymous pages,
so that a mapped file does not count), each contestant in a process of its own. Peers that are not installed are named.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import contestants as who
import numpy as np
import workloads
from memory import megabytes

SMALL = "--small" in sys.argv


@dataclass(frozen=True)
class Figure:
    """A ratio to reach: CPU seconds of `peer` over those of `ours`, at least `least`; or of ours over the peer's."""

    peer: str
    least: float | None = None
    most: float | None = None
    ours: str = "mmret"


@dataclass(frozen=True)
class Workload:
    about: str
    data: Callable[[], object]
    contestants: dict[str, Callable[..., who.Job]]
    figures: tuple[Figure, ...]
    megabytes: int | None = None


def size(full: int, small: int) -> int:
    return small if SMALL else full


WORKLOADS = {
    "W1": Workload(
        "a gallery of 2,000 a query, of 16,316 documents, d = 1,536; 1,000 queries",
        lambda: workloads.vectors(size(1000, 60), size(16_316, 2000), size(1536, 128), 0.078, gallery=size(2000, 250)),
        {"mmret": who.mmret, "faiss selector": who.faiss_selector, "mteb": who.mteb_evaluator},
        (Figure("faiss selector", least=1.3), Figure("mteb", least=12)),
        100,
    ),
    "W2": Workload(
        "all of 16,316 documents, d = 1,536; 1,000 queries",
        lambda: workloads.vectors(size(1000, 60), size(16_316, 2000), size(1536, 128), 0.078),
        {
            "mmret": who.mmret,
            "bare product": who.bare_product,
            "torch's product": who.torch_product,
            "plain count": who.plain_count,
            "torch's plain count": who.torch_count,
            "faiss flat": who.faiss_flat,
            "mteb": who.mteb_evaluator,
        },
        (
            Figure("faiss flat", least=0.8),
            Figure("mteb", least=4.5),
            Figure("bare product", most=1.4),
            Figure("torch's product", most=1.4),
            Figure("plain count", most=1.3),
            Figure("torch's plain count", most=1.3),
        ),
        60,
    ),
    "W3": Workload(
        "1,000 queries, 170,000 documents, d = 1,536, mapped from a file",
        lambda: workloads.vectors(size(1000, 60), size(170_000, 9000), size(1536, 128), 0.095),
        {
            "mmret": who.mmret_mapped,
            "bare product": who.bare_product,
            "torch's product": who.torch_product,
            "faiss.knn": who.faiss_knn,
            "mteb": who.mteb_evaluator,
        },
        (
            Figure("faiss.knn", least=0.75),
            Figure("mteb", least=2.5),
            Figure("bare product", most=1.4),
            Figure("torch's product", most=1.4),
        ),
        100,
    ),
    "W4": Workload(
        "late interaction: 40 queries of 20 vectors, 1,000 documents of 700, d = 128",
        lambda: workloads.sets(size(40, 6), size(20, 5), size(1000, 60), size(700, 50), size(128, 32)),
        {"mmret": who.mmret_maxsim, "bare product": who.bare_maxsim_product, "mteb max_sim": who.mteb_maxsim},
        (Figure("mteb max_sim", least=2),),
        50,
    ),
    "W5": Workload(
        "measures only, arrays of 5,000 x 1,000, one positive a query",
        lambda: workloads.lists(size(5000, 200), 1000, 16_316, 1),
        {
            "mmret": who.mmret_lists,
            "mmret, checked run": who.mmret_checked_lists,
            "pytrec_eval": who.trec_eval,
            "ir_measures": who.ir_measures,
        },
        (Figure("pytrec_eval", least=100, ours="mmret, checked run"), Figure("pytrec_eval", least=7)),
        150,
    ),
    "W5 many": Workload(
        "measures only, arrays of 5,000 x 1,000, twenty positives a query",
        lambda: workloads.lists(size(5000, 200), 1000, 16_316, 20),
        {"mmret": who.mmret_lists, "pytrec_eval": who.trec_eval, "ir_measures": who.ir_measures},
        (Figure("pytrec_eval", least=7),),
        150,
    ),
    "files": Workload(
        "reading and scoring a run file of 5,000 x 2,000 lines, one positive a query",
        lambda: workloads.lists(size(5000, 100), 2000, 16_316, 1),
        {
            "mmret": who.mmret_parquet_file,
            "mmret, TREC text": who.mmret_trec_file,
            "pytrec_eval": who.trec_eval_file,
            "ir_measures": who.ir_measures_file,
        },
        (
            Figure("pytrec_eval", least=20),
            Figure("ir_measures", least=20),
            Figure("pytrec_eval", least=5, ours="mmret, TREC text"),
            Figure("ir_measures", least=5, ours="mmret, TREC text"),
        ),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", help=f"of {', '.join(WORKLOADS)}; default all")
    parser.add_argument("--small", action="store_true", help="a quick run that shows only that all works")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--peak", metavar="CONTESTANT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(f"unknown workloads: {', '.join(sorted(unknown))}")
    chosen = options.workloads or list(WORKLOADS)
    if options.peak:
        print(json.dumps(peak(WORKLOADS[chosen[0]], options.peak)))
        return
    print(setting())
    for name in chosen:
        workload = WORKLOADS[name]
        print(f"\n{name}: {workload.about}{' (small)' if SMALL else ''}", flush=True)
        seconds, missing = times(workload, options.rounds)
        peaks = {} if options.no_memory else {one: measured_apart(name, one) for one in seconds}
        report(workload, seconds, peaks, missing)


def setting() -> str:
    found = {name: _version(name) for name in ("numpy", "torch", "faiss-cpu", "mteb", "pytrec_eval-terrier")}
    packages = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    blas = os.environ.get("OPENBLAS_CORETYPE", "unset")
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{machine}; {packages}; OPENBLAS_CORETYPE {blas}"


def times(workload: Workload, rounds: int) -> tuple[dict[str, float], dict[str, str]]:
    """Median CPU seconds of each contestant; and why others could not take part."""
    data, jobs, missing = workload.data(), {}, {}
    for name, prepare in workload.contestants.items():
        try:
            jobs[name] = prepare(data)
        except ImportError as error:
            missing[name] = str(error)
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(some) for name, some in seconds.items()}, missing


def report(workload: Workload, seconds: dict[str, float], peaks: dict[str, float], missing: dict[str, str]) -> None:
    for name, cpu in seconds.items():
        memory = f"{peaks[name]:8,.0f} MB" if name in peaks else ""
        print(f"  {name:20} {cpu:9.3f} CPU s {memory}")
    for name, why in missing.items():
        print(f"  {name:20} missing: {why}")
    for figure in workload.figures:
        if figure.peer in seconds:
            ratio = seconds[figure.peer] / seconds[figure.ours]
            if figure.least is not None:
                text, met = (
                    f"{ratio:6.2f} times as fast as {figure.peer} (at least {figure.least})",
                    ratio >= figure.least,
                )
            else:
                most = figure.most or 0.0
                text, met = f"{1 / ratio:6.2f} times the time of {figure.peer} (at most {most})", 1 / ratio <= most
            print(f"  {figure.ours}: {text}: {_verdict(met)}")
    if workload.megabytes is not None and "mmret" in peaks:
        met = peaks["mmret"] <= workload.megabytes
        print(f"  mmret: {peaks['mmret']:6.0f} MB above the inputs (at most {workload.megabytes}): {_verdict(met)}")


def _verdict(met: bool) -> str:
    return ("met" if met else "NOT met") + (", but the run is small" if SMALL else "")


def measured_apart(workload: str, contestant: str) -> float:
    command = [sys.executable, str(Path(__file__)), workload, "--peak", contestant, *(["--small"] if SMALL else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def peak(workload: Workload, contestant: str) -> float:
    """Megabytes that the contestant holds at most, above what is there once it is prepared."""
    data = workload.data()
    job = workload.contestants[contestant](data)
    np.ones((64, 64), np.float32) @ np.ones((64, 64), np.float32)  # BLAS takes its own memory once
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what making the data left free must not hide what is taken now
    with sampled() as samples:
        job()
    return max(samples) - samples[0]


@contextmanager
def sampled() -> Iterator[list[float]]:
    """Anonymous resident megabytes, read every millisecond; the first is from before."""
    samples, done = [megabytes("RssAnon")], threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            samples.append(megabytes("RssAnon"))

    thread = threading.Thread(target=watch)
    thread.start()
    yield samples
    done.set()
    thread.join()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ImportError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
